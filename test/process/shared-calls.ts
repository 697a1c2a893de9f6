import test from 'ava';
import { SharedCalls, SharedCallsReader } from '../../src/process/shared-calls.ts';

function toCall(calledCode: string, route = '/') {
  return { calledCode, route };
}

function open() {
  const reports: (readonly string[])[] = [];
  const calls = new SharedCalls();
  const names = new Map<number, string>();
  const reader = new SharedCallsReader(
    calls.share((number, key) => names.set(number, key)),
    (keys) => {
      reports.push(keys);
    },
  );
  const check = (): void => {
    for (const [number, key] of names) reader.name(number, key);
    reader.check();
  };
  return { calls, reader, reports, check };
}

test('a call that lasts for two checks is reported once, and again when it is over', (t) => {
  const { calls, reports, check } = open();
  calls.begin(0, toCall('a.js', '/a'));
  check();
  t.deepEqual(reports, []);
  check();
  check();
  calls.end(0);
  check();

  t.deepEqual(reports, [['a.js\n/a'], []]);
});

test('brief calls in one slot, of one route, are no call that lasts', (t) => {
  const { calls, reports, check } = open();
  for (let n = 0; n < 5; n++) {
    calls.begin(0, toCall('a.js'));
    check();
    calls.end(0);
  }

  t.deepEqual(reports, []);
});

test('all routes with a lasting call are reported, each once', (t) => {
  const { calls, reports, check } = open();
  for (const [slot, file] of ['b.js', 'a.js', 'a.js', 'c.js'].entries()) calls.begin(slot, toCall(file));
  check();
  calls.end(3);
  check();

  t.deepEqual(
    reports.map((keys) => keys.toSorted()),
    [['a.js\n/', 'b.js\n/']],
  );
});

test('code that no route calls is not reported', (t) => {
  const { calls, reports, check } = open();
  calls.begin(0, toCall('job.js', ''));
  check();
  check();

  t.deepEqual(reports, []);
});

test('a reader without calls waits until the next one begins', async (t) => {
  const { calls, reader } = open();
  const next = reader.waitForCall(0);
  t.truthy(next);

  calls.begin(0, toCall('a.js'));

  await next;
  reader.check();
  t.is(reader.waitForCall(60_000), undefined);
});

test('a listener gets each call with its route, until it is removed', (t) => {
  const calls = new SharedCalls();
  const heard: string[] = [];
  calls.listen({ begun: (key) => heard.push(`begun ${key}`), ended: (key) => heard.push(`ended ${key}`) });
  calls.begin(0, toCall('a.js', '/a'));
  calls.end(0);
  calls.listen(undefined);
  calls.begin(0, toCall('a.js', '/a'));

  t.deepEqual(heard, ['begun a.js\n/a', 'ended a.js\n/a']);
});
