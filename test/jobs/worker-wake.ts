import test from 'ava';
import type { Claim } from '../../src/stores/store.ts';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { newJob } from '../helpers/store-place.ts';
import { SwitchedQueue } from '../helpers/switched-queue.ts';
import { until } from '../helpers/until.ts';
import { startWorker } from '../helpers/worker.ts';

/** So many turns of the queue of promises a push may be heard behind the end of a run, and the place not be free yet. */
const TURNS = 16;

/** Less than the worker waits between two looks of its own accord. */
const SOON_MS = 700;

/** Says that something was pushed so many turns behind each `done`, as when both answers of the store come in one piece. */
class TalkativeQueue extends SwitchedQueue {
  turns = 0;
  readonly #listeners: (() => void)[] = [];

  override onPush(listener: () => void): () => void {
    this.#listeners.push(listener);
    return super.onPush(listener);
  }

  override async done(claim: Claim): Promise<boolean> {
    const isDone = await super.done(claim);
    void this.#ring();
    return isDone;
  }

  async #ring(): Promise<void> {
    for (let turn = 0; turn < this.turns; turn++) await undefined;
    for (const listener of this.#listeners) listener();
  }
}

test('a place that becomes free in the moment in which there was none is taken at once', async (t) => {
  const queue = new TalkativeQueue((await (await embeddedStore(t))()).queue);
  let ran = 0;
  const rule = jobRule({ run: async () => void ran++ });
  await startWorker(t, queue, [rule], { concurrency: 1 });

  for (let turns = 0; turns < TURNS; turns++) {
    queue.turns = turns;
    ran = 0;
    const startedAtMs = performance.now();
    await Promise.all([queue.push(newJob()), queue.push(newJob())]);
    await until(() => ran === 2, 'both jobs');

    const tookMs = performance.now() - startedAtMs;
    t.true(tookMs < SOON_MS, `${tookMs} ms, ${turns} turns behind`);
  }
});
