import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { StateThread } from '../../../src/stores/sqlite/state-thread.ts';
import { SOON_MS } from '../../helpers/patience.ts';
import { listeningLog } from '../../helpers/sqlite-store.ts';
import { untilResult } from '../../helpers/until-told.ts';

/** A thread that tells a job it is asked to find as its answer, dies when it is to drop one, and hangs when it is to retry one. */
const ODD = `
  import { parentPort } from 'node:worker_threads';
  parentPort.postMessage({ kind: 'running' });
  parentPort.on('message', ({ kind, call }) => {
    if (kind === 'close') return parentPort.close();
    if (call.verb === 'drop') throw new Error('out of ideas');
    if (call.verb === 'retry') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000);
    parentPort.postMessage({ kind: 'answers', answers: [{ number: call.number, kind: 'value', value: call.args[0] }] });
  });`;

function oddThread(t: ExecutionContext, code = ODD): StateThread {
  const folder = mkdtempSync(join(tmpdir(), 'nexthop-thread-'));
  const path = join(folder, 'entry.mjs');
  writeFileSync(path, code);
  const thread = new StateThread({
    file: '/somewhere/state.db',
    fsync: false,
    log: listeningLog([]),
    onChange: () => {},
    entry: pathToFileURL(path),
  });
  t.teardown(async () => {
    await thread.close();
    rmSync(folder, { recursive: true });
  });
  return thread;
}

test.serial('a thread that dies takes with it what it was asked, and the next one is asked the next', async (t) => {
  const thread = oddThread(t);
  await thread.call('find', ['a']);

  const [dropped, found] = await Promise.allSettled([thread.call('drop', ['a']), thread.call('find', ['b'])]);

  for (const outcome of [dropped, found]) {
    t.is(outcome?.status, 'rejected');
    t.like(outcome?.status === 'rejected' && outcome.reason, { code: 'store_unavailable' });
  }
  const again = await untilResult(() => thread.call('find', ['c']).catch(() => undefined), Boolean);
  t.is(String(again), 'c');
});

test.serial('a thread that cannot start is told, and not started all the time', async (t) => {
  const thread = oddThread(t, 'throw new Error("broken");');

  await t.throwsAsync(thread.call('find', ['a']), { code: 'store_unavailable', message: /died|ended/ });
  await t.throwsAsync(thread.call('find', ['a']), { code: 'store_unavailable', message: /has just died/ });
});

test.serial('a thread that takes long to start is waited for, since nothing is wrong with the store', async (t) => {
  const thread = oddThread(t, `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500); ${ODD}`);
  const before = performance.now();

  const answers = await Promise.all([thread.call('find', ['a']), thread.call('find', ['b'])]);

  t.deepEqual(answers.map(String), ['a', 'b']);
  t.true(performance.now() - before > 1400);
});

test.serial('whoever asks a thread that hangs is told within a second, and who asks later at once', async (t) => {
  const thread = oddThread(t);
  await thread.call('find', ['a']);
  for (const [verb, leastMs, mostMs] of [
    ['retry', 800, SOON_MS],
    ['find', 0, 700],
  ] as const) {
    const before = performance.now();

    const fault = await t.throwsAsync(thread.call(verb, ['a']));

    t.like(fault, { code: 'store_unavailable', message: '/somewhere/state.db did not answer in time' });
    const tookMs = performance.now() - before;
    t.true(tookMs >= leastMs && tookMs < mostMs, `it took ${tookMs} ms`);
  }
});

/** A thread that hangs for so long when it is to retry a job, and tells as the counts of jobs how often it was asked for something. */
const COUNTING = `
  import { parentPort } from 'node:worker_threads';
  let asked = 0;
  parentPort.postMessage({ kind: 'running' });
  parentPort.on('message', ({ kind, call }) => {
    if (kind === 'close') return parentPort.close();
    asked++;
    if (call.verb === 'retry') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
    parentPort.postMessage({ kind: 'answers', answers: [{ number: call.number, kind: 'value', value: { asked } }] });
  });`;

test.serial(
  'what is asked of a thread that hangs does not pile up, and it is asked again when it is back',
  async (t) => {
    const thread = oddThread(t, COUNTING);
    await thread.call('counts', []);
    await t.throwsAsync(thread.call('retry', ['a']));

    const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, () => thread.call('counts', [])));
    t.true(outcomes.every(({ status }) => status === 'rejected'));

    const told: unknown = await untilResult(() => thread.call('counts', []).catch(() => undefined), Boolean);
    t.deepEqual(told, { asked: 3 });
  },
);

test.serial('an answer that came while our own thread was busy is an answer', async (t) => {
  const thread = oddThread(t);
  await thread.call('find', ['a']);

  // Behind immediates come the timers, and only then the messages.
  await setImmediate();
  const answer = thread.call('find', ['b']);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1200);

  t.is(String(await answer), 'b');
});
