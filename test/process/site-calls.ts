import test from 'ava';
import { runFor, SHARED_CALLS, type SiteCall } from '../../src/process/site-calls.ts';

const EVENTS: string[] = [];
SHARED_CALLS.listen({
  begun: (key) => EVENTS.push(`+${key.split('\n')[0]}`),
  ended: (key) => EVENTS.push(`-${key.split('\n')[0]}`),
});

function toCall(calledCode: string, route = '/'): SiteCall {
  return { calledCode, route, end: () => true };
}

/** The calls that would count at each moment. */
function takeEvents(): readonly string[] {
  return EVENTS.splice(0);
}

test.serial('a call that waits for another one does not count meanwhile', async (t) => {
  await runFor(toCall('filter'), async () => {
    await runFor(toCall('inner filter'), () => runFor(toCall('function'), async () => undefined));
  });

  t.deepEqual(takeEvents(), [
    ...['+filter', '+inner filter', '-filter', '+function', '-inner filter'],
    ...['-function', '+inner filter', '-inner filter', '+filter', '-filter'],
  ]);
});

test.serial('a call counts again when all calls that it waits for are over', async (t) => {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const over = runFor(toCall('filter'), async () => {
    const both = [runFor(toCall('first'), () => first.promise), runFor(toCall('second'), () => second.promise)];
    await Promise.all(both);
  });
  first.resolve();
  await first.promise;
  t.deepEqual(takeEvents(), ['+filter', '+first', '-filter', '+second', '-first']);

  second.resolve();
  await over;
  t.deepEqual(takeEvents(), ['-second', '+filter', '-filter']);
});

test.serial('code that begins a call after its own is over changes no other call', async (t) => {
  const late = Promise.withResolvers<void>();
  let lateCall: Promise<unknown> | undefined;
  runFor(toCall('filter'), () => {
    lateCall = late.promise.then(() => runFor(toCall('late'), async () => undefined));
  });
  const running = Promise.withResolvers<void>();
  const other = runFor(toCall('other'), () => running.promise);
  late.resolve();
  await lateCall;
  running.resolve();
  await other;

  t.deepEqual(takeEvents(), ['+filter', '-filter', '+other', '+late', '-late', '-other']);
});

test.serial('a call without a route does not stand for the one that waits for it', async (t) => {
  await runFor(toCall('filter'), async () => {
    await runFor(toCall('job', ''), async () => undefined);
  });

  t.deepEqual(takeEvents(), ['+filter', '-filter']);
});
