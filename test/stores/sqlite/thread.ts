import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { StateThread } from '../../../src/stores/sqlite/state-thread.ts';
import { SOON_MS } from '../../helpers/patience.ts';
import { recordingLog } from '../../helpers/sqlite-store.ts';
import { untilResult } from '../../helpers/until-result.ts';

/** A thread that answers `find` with its argument, dies at `drop`, and hangs at `retry`. */
const FAULTY = `
  import { parentPort } from 'node:worker_threads';
  parentPort.postMessage({ kind: 'running' });
  parentPort.on('message', ({ kind, call }) => {
    if (kind === 'close') return parentPort.close();
    if (call.verb === 'drop') throw new Error('out of ideas');
    if (call.verb === 'retry') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000);
    parentPort.postMessage({ kind: 'answers', answers: [{ number: call.number, kind: 'value', value: call.args[0] }] });
  });`;

function faultyThread(t: ExecutionContext, code = FAULTY): StateThread {
  const folder = mkdtempSync(join(tmpdir(), 'nexthop-thread-'));
  const path = join(folder, 'entry.mjs');
  writeFileSync(path, code);
  const thread = new StateThread({
    file: '/somewhere/state.db',
    fsync: false,
    log: recordingLog([]),
    onChange: () => {},
    entry: pathToFileURL(path),
  });
  t.teardown(async () => {
    await thread.close();
    rmSync(folder, { recursive: true });
  });
  return thread;
}

test.serial('a thread that dies rejects its pending calls, and later calls go to a new thread', async (t) => {
  const thread = faultyThread(t);
  await thread.call('find', ['a']);

  const [dropped, found] = await Promise.allSettled([thread.call('drop', ['a']), thread.call('find', ['b'])]);

  for (const outcome of [dropped, found]) {
    t.is(outcome?.status, 'rejected');
    t.like(outcome?.status === 'rejected' && outcome.reason, { code: 'store_unavailable' });
  }
  const again = await untilResult(() => thread.call('find', ['c']).catch(() => undefined), Boolean);
  t.is(String(again), 'c');
});

test.serial('a thread that cannot start rejects calls, and is not started again immediately', async (t) => {
  const thread = faultyThread(t, 'throw new Error("broken");');

  await t.throwsAsync(thread.call('find', ['a']), { code: 'store_unavailable', message: /died|ended/ });
  await t.throwsAsync(thread.call('find', ['a']), { code: 'store_unavailable', message: /has just died/ });
});

test.serial('calls wait for a thread that starts slowly', async (t) => {
  const thread = faultyThread(t, `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500); ${FAULTY}`);
  const before = performance.now();

  const answers = await Promise.all([thread.call('find', ['a']), thread.call('find', ['b'])]);

  t.deepEqual(answers.map(String), ['a', 'b']);
  t.true(performance.now() - before > 1400);
});

test.serial('a call to a hanging thread is rejected within a second, later calls immediately', async (t) => {
  const thread = faultyThread(t);
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

/** A thread that hangs for 2.5 s at `retry`, and answers other calls with the number of calls that it got. */
const COUNTING = `
  import { parentPort } from 'node:worker_threads';
  let calls = 0;
  parentPort.postMessage({ kind: 'running' });
  parentPort.on('message', ({ kind, call }) => {
    if (kind === 'close') return parentPort.close();
    calls++;
    if (call.verb === 'retry') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
    parentPort.postMessage({ kind: 'answers', answers: [{ number: call.number, kind: 'value', value: { calls } }] });
  });`;

test.serial('calls to a hanging thread do not pile up, and it gets calls again when it continues', async (t) => {
  const thread = faultyThread(t, COUNTING);
  await thread.call('counts', []);
  await t.throwsAsync(thread.call('retry', ['a']));

  const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, () => thread.call('counts', [])));
  t.true(outcomes.every(({ status }) => status === 'rejected'));

  const result: unknown = await untilResult(() => thread.call('counts', []).catch(() => undefined), Boolean);
  t.deepEqual(result, { calls: 3 });
});

test.serial('an answer that arrived while the calling thread was busy is used', async (t) => {
  const thread = faultyThread(t);
  await thread.call('find', ['a']);

  // After immediates the event loop runs timers, and only then messages.
  await setImmediate();
  const answer = thread.call('find', ['b']);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1200);

  t.is(String(await answer), 'b');
});
