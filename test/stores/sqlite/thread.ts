import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { StateThread } from '../../../src/stores/sqlite/state-thread.ts';
import { listeningLog } from '../../helpers/sqlite-store.ts';
import { untilTold } from '../../helpers/until-told.ts';

/** A thread that tells a job it is asked to find as its answer, dies when it is to drop one, and hangs when it is to retry one. */
const ODD = `
  import { parentPort } from 'node:worker_threads';
  parentPort.postMessage({ kind: 'running' });
  parentPort.on('message', ({ kind, ask }) => {
    if (kind === 'close') return parentPort.close();
    if (ask.verb === 'drop') throw new Error('out of ideas');
    if (ask.verb === 'retry') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000);
    parentPort.postMessage({ kind: 'answers', answers: [{ number: ask.number, kind: 'value', value: ask.args[0] }] });
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
  await thread.ask('find', ['a']);

  const [dropped, found] = await Promise.allSettled([thread.ask('drop', ['a']), thread.ask('find', ['b'])]);

  for (const outcome of [dropped, found]) {
    t.is(outcome?.status, 'rejected');
    t.like(outcome?.status === 'rejected' && outcome.reason, { code: 'store_unavailable' });
  }
  const again = await untilTold(() => thread.ask('find', ['c']).catch(() => undefined), Boolean);
  t.is(String(again), 'c');
});

test.serial('a thread that cannot start is told, and not started all the time', async (t) => {
  const thread = oddThread(t, 'throw new Error("broken");');

  await t.throwsAsync(thread.ask('find', ['a']), { code: 'store_unavailable', message: /died|ended/ });
  await t.throwsAsync(thread.ask('find', ['a']), { code: 'store_unavailable', message: /has just died/ });
});

test.serial('whoever asks a thread that hangs is told within a second, and so is who asks later', async (t) => {
  const thread = oddThread(t);
  await thread.ask('find', ['a']);
  for (const verb of ['retry', 'find'] as const) {
    const before = performance.now();

    const fault = await t.throwsAsync(thread.ask(verb, ['a']));

    t.like(fault, { code: 'store_unavailable', message: '/somewhere/state.db did not answer in time' });
    const tookMs = performance.now() - before;
    t.true(tookMs > 800 && tookMs < 1100, `it took ${tookMs} ms`);
  }
});

test.serial('an answer that came while our own thread was busy is an answer', async (t) => {
  const thread = oddThread(t);
  await thread.ask('find', ['a']);

  // Behind immediates come the timers, and only then the messages.
  await setImmediate();
  const answer = thread.ask('find', ['b']);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1200);

  t.is(String(await answer), 'b');
});
