import test from 'ava';
import { RouteBreaker } from '../../src/process/route-breaker.ts';

const MINUTE_MS = 60_000;

function openBreaker() {
  const clock = { ms: 1_000_000 };
  return { breaker: new RouteBreaker(() => clock.ms), clock };
}

test('a route is stopped for a minute by its third death within five minutes', (t) => {
  const { breaker, clock } = openBreaker();

  t.deepEqual(breaker.blame(['a', 'b']), []);
  clock.ms += 2 * MINUTE_MS;
  t.deepEqual(breaker.blame(['a']), []);
  clock.ms += 2 * MINUTE_MS;
  t.deepEqual(breaker.blame(['a', 'c']), ['a']);

  t.deepEqual(breaker.stopped, [{ key: 'a', forMs: MINUTE_MS }]);
  clock.ms += MINUTE_MS;
  t.deepEqual(breaker.stopped, []);
});

test('deaths that are older than five minutes do not count', (t) => {
  const { breaker, clock } = openBreaker();
  breaker.blame(['a']);
  breaker.blame(['a']);

  clock.ms += 5 * MINUTE_MS;

  t.deepEqual(breaker.blame(['a']), []);
});

test('a route that was tried again and dies again is stopped again at once', (t) => {
  const { breaker, clock } = openBreaker();
  for (let death = 0; death < 3; death++) breaker.blame(['a']);
  clock.ms += MINUTE_MS + 1;

  t.deepEqual(breaker.blame(['a']), ['a']);
});

test('a death while the route is stopped already does not stop it again', (t) => {
  const { breaker, clock } = openBreaker();
  for (let death = 0; death < 3; death++) breaker.blame(['a']);
  clock.ms += 1000;

  t.deepEqual(breaker.blame(['a']), []);
  t.deepEqual(breaker.stopped, [{ key: 'a', forMs: MINUTE_MS - 1000 }]);
});

test('several calls of a route in one dead process are one death', (t) => {
  const { breaker } = openBreaker();

  t.deepEqual(breaker.blame(['a', 'a', 'a']), []);
});
