import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { newJob } from '../helpers/store-place.ts';
import { SwitchedQueue } from '../helpers/switched-queue.ts';
import { until } from '../helpers/until.ts';
import { startWorker } from '../helpers/worker.ts';

/** So many turns of the queue of promises a push may be heard behind the end of a function, and the place not be free yet. */
const TURNS = 16;

/** Less than the worker waits between two looks of its own accord. */
const SOON_MS = 700;

/** Says when it is told to that something was pushed. */
class TalkativeQueue extends SwitchedQueue {
  readonly #listeners: (() => void)[] = [];

  override onPush(listener: () => void): () => void {
    this.#listeners.push(listener);
    return super.onPush(listener);
  }

  async ring(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await undefined;
    for (const listener of this.#listeners) listener();
  }
}

test('a place that becomes free in the moment in which there was none is taken at once', async (t) => {
  const queue = new TalkativeQueue((await (await embeddedStore(t))()).queue);
  let ran = 0;
  let turns = 0;
  const run = async (): Promise<void> => {
    // The worker has looked for more by then, and found no place.
    await nextTurn();
    ran++;
    void queue.ring(turns);
  };
  await startWorker(t, queue, [jobRule({ run })], { functionConcurrency: 1 });

  for (; turns < TURNS; turns++) {
    let tookMs = Number.POSITIVE_INFINITY;
    // Where the wake-up is lost, every try takes as long as the worker waits between two looks; on a loaded machine one try may.
    for (let tries = 0; tries < 5 && tookMs >= SOON_MS; tries++) {
      ran = 0;
      const startedAtMs = performance.now();
      await Promise.all([queue.push(newJob()), queue.push(newJob())]);
      await until(() => ran === 2, 'both jobs');
      tookMs = performance.now() - startedAtMs;
    }
    t.true(tookMs < SOON_MS, `${tookMs} ms, ${turns} turns later`);
  }
});
