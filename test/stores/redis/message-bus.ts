import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { ConfigError, readConfig } from '../../../src/config/config.ts';
import { type MessageBus, openMessageBus } from '../../../src/stores/redis/message-bus.ts';
import { logFolder } from '../../helpers/log-folder.ts';
import { SOON_MS } from '../../helpers/patience.ts';
import { type RedisServer, startRedis } from '../../helpers/redis-server.ts';
import { silentPort } from '../../helpers/silent-port.ts';
import { until } from '../../helpers/until.ts';
import { untilResult } from '../../helpers/until-result.ts';

const KEYS = { PROXY_REGO_KEY: 'Rabc', LIST_KEY_PREFIX: 'Pdef', LIST_KEY_SUFFIX: 'pod-7' };
/** The SHA-1 of the suffix, computed with `sha1sum`. */
const LIST = 'Pdef-f0adce9962e4ef51f71ccecde741beda5a75aab7';
const UPDATE = '{"message_type":"updateenvironment","repo_name":"a","branch_name":"b"}';

test('the module registers its list with the time repeatedly, and receives messages that are pushed to it', async (t) => {
  const redis = await startRedis(t);
  const { updates } = await listen(t, redis, { MESSAGE_CLIENT_REGISTRATION_TIMEOUT_SECONDS: '1' });
  const list = await registered(redis);

  await redis.call('ZREM', KEYS.PROXY_REGO_KEY, list);
  t.is(await registered(redis), list, 'the module registers again');
  await redis.call('LPUSH', list, UPDATE);

  await until(() => updates() === 1, 'the update');
  t.is(list, LIST);
  const score = Number(await redis.call('ZSCORE', KEYS.PROXY_REGO_KEY, list));
  t.true(Math.abs(score - Date.now() / 1000) < 60, String(score));
});

test('messages that were pushed before a wait are received in order, and a wait without a message is repeated', async (t) => {
  const redis = await startRedis(t);
  for (let count = 0; count < 3; count++) await redis.call('LPUSH', LIST, UPDATE);

  const { updates } = await listen(t, redis, { REDIS_BRPOP_TIMEOUT_SECONDS: '1' });
  await until(() => updates() === 3, 'three updates');
  // Longer than one BRPOP.
  await delay(1200);
  await redis.call('LPUSH', LIST, UPDATE);

  await until(() => updates() === 4, 'the fourth update');
  t.pass();
});

test('an unknown or invalid message is logged once and has no effect', async (t) => {
  const redis = await startRedis(t);
  const { updates, lines } = await listen(t, redis);

  const strange = [
    'no JSON',
    'null',
    '{}',
    '{"message_type":7}',
    '[]',
    '{"message_type":"proxymessage"}',
    '{"message_type":"x\\ny"}',
  ];
  for (const text of [...strange, ...strange, UPDATE]) await redis.call('LPUSH', LIST, text);

  await until(() => updates() === 1, 'the update');
  const logged = await untilResult(
    () => lines(/a message of the bus/),
    (found) => found.length >= 3,
  );
  t.deepEqual(logged, [
    'a message of the bus cannot be read and is ignored',
    'a message of the bus is not for this module and is ignored: proxymessage',
    'a message of the bus is not for this module and is ignored: x\ny',
  ]);
});

test('an outage of the bus is logged once; afterwards the module registers again and receives messages', async (t) => {
  const redis = await startRedis(t);
  const { updates, lines } = await listen(t, redis);
  await registered(redis);

  await redis.kill();
  await untilResult(
    () => lines(/is away/),
    (found) => found.length > 0,
  );
  await redis.restart();
  await registered(redis);
  await redis.call('LPUSH', LIST, UPDATE);

  await until(() => updates() === 1, 'the update');
  t.is(
    (
      await untilResult(
        () => lines(/is back/),
        (found) => found.length > 0,
      )
    ).length,
    1,
  );
  t.is((await lines(/is away/)).length, 1);
});

for (const [what, portOf] of [
  ['that waits for a message', async (t: ExecutionContext) => (await startRedis(t)).port],
  ['that accepts no connection', silentPort],
  ['that does not exist', async () => 1],
] as const) {
  test(`close resolves quickly with a Redis ${what}`, async (t) => {
    const { bus } = await listen(t, { port: await portOf(t) });
    // During a BRPOP, a connection attempt or a pause.
    await delay(200);

    const startedAtMs = performance.now();
    await bus.close();

    t.true(performance.now() - startedAtMs < SOON_MS);
  });
}

test('the settings are read from the platform’s variables; without its keys REDIS_HOST and REDIS_PORT may have any value', (t) => {
  t.is(busOf({ REDIS_HOST: 'redis', REDIS_PORT: 'tcp://10.0.0.1:6379' }), undefined);
  t.deepEqual(busOf({ ...KEYS, REDIS_HOST: 'redis', REDIS_URL: 'redis://other:1' }), {
    host: 'redis',
    port: 6379,
    registrationKey: 'Rabc',
    listKey: LIST,
    registerEveryMs: 60_000,
    waitMs: 300_000,
  });
});

test('a bus with some missing settings is an error that names them, together with all other invalid settings', (t) => {
  const error = t.throws(() => busOf({ PROXY_REGO_KEY: 'R', REDIS_PORT: 'tcp://a:1', PORT: 'http' }), {
    instanceOf: ConfigError,
  });

  t.deepEqual(error.complaints.slice(1), [
    "REDIS_HOST must be set where PROXY_REGO_KEY is, for Section's message bus",
    "LIST_KEY_PREFIX must be set where PROXY_REGO_KEY is, for Section's message bus",
    "LIST_KEY_SUFFIX must be set where PROXY_REGO_KEY is, for Section's message bus",
    'REDIS_PORT must be a whole number from 1 to 65535, got "tcp://a:1"',
  ]);
});

function busOf(env: Readonly<Record<string, string>>) {
  return readConfig({ env }).messageBus;
}

interface Listening {
  readonly bus: MessageBus;
  updates(): number;
  /** The messages in error.log so far that match. */
  lines(pattern: RegExp): Promise<readonly string[]>;
}

async function listen(
  t: ExecutionContext,
  { port }: Pick<RedisServer, 'port'>,
  env: Readonly<Record<string, string>> = {},
): Promise<Listening> {
  const folder = await logFolder(t);
  const endpoint = busOf({ ...KEYS, REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port), ...env });
  if (!endpoint) throw new Error('the settings have no message bus');
  let count = 0;
  const bus = openMessageBus({ endpoint: endpoint, log: folder.open(), onUpdate: () => count++ });
  t.teardown(() => bus.close());
  const lines = async (pattern: RegExp): Promise<readonly string[]> =>
    (await folder.lines('error.log')).map(({ message }) => String(message)).filter((text) => pattern.test(text));
  return { bus, updates: () => count, lines };
}

/** Resolves with the first registered list. */
async function registered(redis: RedisServer): Promise<string> {
  const read = async () => (await redis.call('ZRANGE', KEYS.PROXY_REGO_KEY, 0, -1)) as string[];
  return String((await untilResult(read, (found) => found.length > 0))[0]);
}
