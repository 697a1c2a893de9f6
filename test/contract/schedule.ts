import test from 'ava';
import { Schedule } from '../../src/contract/schedule.ts';

const NOW = '2026-11-21T10:05:00.000Z';

function around(text: string, now = NOW): readonly (string | undefined)[] {
  const schedule = new Schedule(text);
  const moment = Date.parse(now);
  return [schedule.lastUntil(moment), schedule.nextAfter(moment)].map((ms) =>
    ms === undefined ? ms : new Date(ms).toISOString(),
  );
}

test('a time that is due now is the last one and not the next one', (t) => {
  t.deepEqual(around('*/5 * * * *'), ['2026-11-21T10:05:00.000Z', '2026-11-21T10:10:00.000Z']);
  t.deepEqual(around('*/5 * * * *', '2026-11-21T10:04:59.999Z'), [
    '2026-11-21T10:00:00.000Z',
    '2026-11-21T10:05:00.000Z',
  ]);
  t.deepEqual(around('*/5 * * * *', '2026-11-21T10:05:00.001Z'), [
    '2026-11-21T10:05:00.000Z',
    '2026-11-21T10:10:00.000Z',
  ]);
});

for (const [alias, last, next] of [
  ['@hourly', '2026-11-21T10:00:00.000Z', '2026-11-21T11:00:00.000Z'],
  ['@daily', '2026-11-21T00:00:00.000Z', '2026-11-22T00:00:00.000Z'],
  ['@weekly', '2026-11-15T00:00:00.000Z', '2026-11-22T00:00:00.000Z'],
  ['@monthly', '2026-11-01T00:00:00.000Z', '2026-12-01T00:00:00.000Z'],
  ['@yearly', '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
] as const) {
  test(`${alias} is the start of that period in UTC`, (t) => {
    t.deepEqual(around(alias), [last, next]);
  });
}

test('days of the month and days of the week are alternatives, as in crontab', (t) => {
  t.deepEqual(around('0 9 13 * 5'), ['2026-11-20T09:00:00.000Z', '2026-11-27T09:00:00.000Z']);
  t.deepEqual(around('0 9 * * 1-5'), ['2026-11-20T09:00:00.000Z', '2026-11-23T09:00:00.000Z']);
});

test('a day of leap years is found, a day that never exists is not', (t) => {
  t.deepEqual(around('0 0 29 2 *'), ['2024-02-29T00:00:00.000Z', '2028-02-29T00:00:00.000Z']);
  t.deepEqual(around('0 0 30 2 *'), [undefined, undefined]);
});

test('daylight saving time has no effect', (t) => {
  t.deepEqual(around('30 2 * * *', '2026-03-29T02:00:00.000Z'), [
    '2026-03-28T02:30:00.000Z',
    '2026-03-29T02:30:00.000Z',
  ]);
});
