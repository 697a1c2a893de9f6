import test, { type ExecutionContext } from 'ava';
import { LOAD_ALL } from '../../src/process/site-loads.ts';
import type { WorkerEnd, WorkerProcess } from '../../src/process/worker-process.ts';
import { WorkerSlot } from '../../src/process/worker-slot.ts';

const SERVES = "process.send({ kind: 'listening' });";
const RETIRES = "process.on('message', ({ kind }) => kind === 'retire' && process.exit(0));";

/** A slot whose workers run this script, and its events. */
function openSlot(
  t: ExecutionContext,
  script: string,
  onEvent: (event: SlotEvent, slot: WorkerSlot) => void = () => {},
  slowStartMs?: number,
) {
  const slot: WorkerSlot = new WorkerSlot({
    command: { args: ['--eval', script], env: {}, listenFd: 2, memoryLimitBytes: 0 },
    longestDrainMs: 100,
    ...(slowStartMs !== undefined && { slowStartMs }),
    listener: {
      loadOrders: LOAD_ALL,
      serving: (worker) => onEvent({ kind: 'serving', worker }, slot),
      received: () => {},
      stalled: () => {},
      slow: (worker, afterMs) => onEvent({ kind: 'slow', worker, afterMs }, slot),
      ended: (worker, end, restartMs) => onEvent({ kind: 'ended', worker, end, restartMs }, slot),
    },
  });
  t.teardown(() => {
    slot.stop();
    for (const worker of slot.living) worker.kill('SIGKILL');
  });
  return slot;
}

type SlotEvent =
  | { readonly kind: 'slow'; readonly worker: WorkerProcess; readonly afterMs: number }
  | { readonly kind: 'serving'; readonly worker: WorkerProcess }
  | {
      readonly kind: 'ended';
      readonly worker: WorkerProcess;
      readonly end: WorkerEnd;
      readonly restartMs: number | undefined;
    };

test('a worker that dies is started again, each time after twice the delay', async (t) => {
  const delays: unknown[] = [];
  const enough = Promise.withResolvers<void>();
  openSlot(t, 'process.exit(3)', (event) => {
    if (event.kind !== 'ended') return;
    delays.push({ code: event.end.code, restartMs: event.restartMs });
    if (delays.length === 3) enough.resolve();
  }).start();

  await enough.promise;
  t.deepEqual(delays, [
    { code: 3, restartMs: 100 },
    { code: 3, restartMs: 200 },
    { code: 3, restartMs: 400 },
  ]);
});

test('a worker is retired only when the one in its place serves', async (t) => {
  const events: string[] = [];
  const over = Promise.withResolvers<number | undefined>();
  let first: WorkerProcess | undefined;
  openSlot(t, SERVES + RETIRES, (event, slot) => {
    first ??= event.worker;
    events.push(`${event.worker === first ? 'first' : 'second'} ${event.kind}`);
    if (events.length === 1) slot.replace();
    if (event.kind === 'ended') over.resolve(event.restartMs);
  }).start();

  t.is(await over.promise, undefined);
  t.deepEqual(events, ['first serving', 'second serving', 'first ended']);
});

test('a retired worker that does not end is killed', async (t) => {
  const over = Promise.withResolvers<WorkerEnd>();
  openSlot(t, `${SERVES}setInterval(() => {}, 1000)`, (event, slot) => {
    if (event.kind === 'ended') over.resolve(event.end);
    else if (slot.living.size === 1) slot.replace();
  }).start();

  t.is((await over.promise).signal, 'SIGKILL');
});

test('a worker that dies while the one in its place starts has no second successor', async (t) => {
  const ended = Promise.withResolvers<number | undefined>();
  const served = Promise.withResolvers<void>();
  let first: WorkerProcess | undefined;
  const slot = openSlot(t, SERVES + RETIRES, (event) => {
    if (event.kind === 'ended') ended.resolve(event.restartMs);
    else if (first) served.resolve();
    else {
      first = event.worker;
      slot.replace();
      first.kill('SIGKILL');
    }
  });
  slot.start();

  t.is(await ended.promise, undefined);
  await served.promise;
  t.is(slot.living.size, 1);
});

test('a worker that Node does not start is reported, and again after six times as long', async (t) => {
  const times: number[] = [];
  const enough = Promise.withResolvers<void>();
  openSlot(
    t,
    'for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
    (event) => {
      if (event.kind === 'slow' && times.push(event.afterMs) === 3) enough.resolve();
    },
    5,
  ).start();

  await enough.promise;
  t.deepEqual(times, [5, 30, 180]);
});
