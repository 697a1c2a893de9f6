import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { startWorker } from '../helpers/job-worker.ts';
import { newJob } from '../helpers/prepare-store.ts';
import { SwitchedQueue } from '../helpers/switched-queue.ts';
import { until } from '../helpers/until.ts';

/** Within this number of microtask turns after the end of a function, its slot may not be free yet when a push arrives. */
const TURNS = 16;

/** Less than the poll interval of the worker. */
const SOON_MS = 700;

/** A queue that calls its listeners only when the test does. */
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

test('a slot that becomes free while a push is handled is used immediately', async (t) => {
  const queue = new TalkativeQueue((await (await embeddedStore(t))()).queue);
  let ran = 0;
  let turns = 0;
  const run = async (): Promise<void> => {
    // By then the worker has tried to claim and found no free slot.
    await nextTurn();
    ran++;
    void queue.ring(turns);
  };
  await startWorker(t, queue, [jobRule({ run })], { functionConcurrency: 1 });

  for (; turns < TURNS; turns++) {
    let tookMs = Number.POSITIVE_INFINITY;
    // If the wake-up is lost, every try takes a poll interval; on a loaded machine a single try may take as long.
    for (let tries = 0; tries < 20 && tookMs >= SOON_MS; tries++) {
      ran = 0;
      const startedAtMs = performance.now();
      await Promise.all([queue.push(newJob()), queue.push(newJob())]);
      await until(() => ran === 2, 'both jobs');
      tookMs = performance.now() - startedAtMs;
    }
    t.true(tookMs < SOON_MS, `${tookMs} ms, ${turns} turns later`);
  }
});
