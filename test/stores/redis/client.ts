import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { redisUrl } from '../../../src/config/redis-url.ts';
import { createClient, disconnect } from '../../../src/stores/redis/client.ts';
import { refusingPort } from '../../helpers/refusing-port.ts';
import { until } from '../../helpers/until.ts';

// The status of a client of ioredis is not documented (docs/dependencies-internals.md).
test('a client that is between two connection attempts is closed without a wait', async (t) => {
  const endpoint = redisUrl(`redis://127.0.0.1:${await refusingPort(t)}`);
  if (!endpoint) throw new Error('not a URL of a Redis');
  const client = createClient(endpoint);
  client.on('error', () => {}); // the connection is refused
  await until(() => client.status === 'reconnecting', 'the pause before the next attempt');

  const first = await Promise.race([disconnect(client).then(() => 'closed'), setImmediate('still open')]);

  t.is(first, 'closed');
});

test('the pauses between attempts to connect do not grow, so that purges are known soon after any outage', async (t) => {
  const endpoint = redisUrl(`redis://127.0.0.1:${await refusingPort(t)}`);
  if (!endpoint) throw new Error('not a URL of a Redis');
  const client = createClient(endpoint);
  t.teardown(() => disconnect(client));
  const pausesMs: number[] = [];
  client.on('error', () => {}); // the connection is refused
  client.on('reconnecting', (pauseMs: number) => pausesMs.push(pauseMs));

  await until(() => pausesMs.length >= 8, 'eight attempts');

  t.deepEqual(pausesMs.slice(0, 8), Array(8).fill(30));
});
