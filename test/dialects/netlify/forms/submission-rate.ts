import test from 'ava';
import type { Fault } from '../../../../src/contract/fault.ts';
import { SubmissionRate } from '../../../../src/dialects/netlify/forms/submission-rate.ts';

test('each address has its number of submissions in a minute', (t) => {
  let nowMs = 1000;
  const rate = new SubmissionRate(2, () => nowMs);
  const send = (address: string) => () => rate.count(address);

  for (const address of ['a', 'b', 'a']) t.notThrows(send(address));
  nowMs += 45_000;
  const fault = t.throws<Fault>(send('a'));
  t.is(fault?.code, 'rate_limited');
  t.deepEqual(fault?.headers, ['Retry-After', '15']);
  t.notThrows(send('b'));
  nowMs += 15_000;
  t.notThrows(send('a'));
});

test('a rate of 0 is no limit', (t) => {
  const rate = new SubmissionRate(0);

  t.notThrows(() => {
    for (let count = 0; count < 1000; count++) rate.count('a');
  });
});
