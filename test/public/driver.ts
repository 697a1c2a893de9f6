import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { SessionDriver } from '../../src/public/session.ts';
import { isOpen } from '../helpers/open-files.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { type RunningRedis, runRedis } from '../helpers/redis-server.ts';
import { silentPort } from '../helpers/silent-port.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

/**
 * Imports the driver as a build of Astro does. The name is in a variable, so that no compiler
 * resolves it: it is the built package.
 */
const EXPORT: string = 'nexthop/session';
const { default: createDriver } = (await import(EXPORT)) as typeof import('../../src/public/session.ts');

let redis: RunningRedis;
let folder: string;
test.before(async () => {
  redis = await runRedis();
  folder = await mkdtemp(join(tmpdir(), 'nexthop-session-'));
});
test.after.always(async () => {
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
});

// Serial: the driver reads variables of the process and has one store for it.
for (const name of ['sqlite', 'redis'] as const) {
  const enter = (): void => {
    delete process.env.REDIS_URL;
    process.env.STORE_FSYNC = '0';
    process.env.DATA_DIR = folder;
    if (name === 'redis') process.env.REDIS_URL = redis.url;
  };

  test.serial(`${name}: an item has the value that was set last, until it is removed`, async (t) => {
    enter();
    const driver = await opened(t.title);
    t.is(await driver.getItem('id'), null);

    await driver.setItem('id', '["a"]');
    await driver.setItem('id', '["é"]');

    t.is(await driver.getItem('id'), '["é"]');
    t.true(await driver.hasItem('id'));
    await driver.removeItem('id');
    t.is(await driver.getItem('id'), null);
    t.false(await driver.hasItem('id'));
    await driver.dispose();
  });

  test.serial(`${name}: an item expires after its own ttl, or else after that of the driver`, async (t) => {
    enter();
    const driver = await opened(t.title, { ttl: 0.2 });
    await driver.setItem('short', 'x');
    await driver.setItem('long', 'x', { ttl: 100 });

    await untilResult(
      () => driver.getItem('short'),
      (item) => item === null,
    );

    t.deepEqual(await driver.getKeys(), ['long']);
    await driver.dispose();
  });

  test.serial(`${name}: drivers with the same base share their items, and clear removes only those`, async (t) => {
    enter();
    const [one, same, other] = [await opened(t.title), await opened(t.title), await opened(`${t.title} other`)];
    await Promise.all(['a:1', 'a:2', 'b:1'].map((key) => one.setItem(key, key)));
    await other.setItem('a:1', 'other');

    t.deepEqual(await same.getKeys('a:'), ['a:1', 'a:2']);
    await same.clear('a:');

    t.deepEqual(await one.getKeys(), ['b:1']);
    t.is(await other.getItem('a:1'), 'other');
    await Promise.all([one, same, other].map((driver) => driver.dispose()));
  });
}

test.serial('without a ttl an item stays for two weeks', async (t) => {
  process.env.REDIS_URL = redis.url;
  const driver = await opened('weeks');
  await driver.setItem('id', 'x');
  await driver.dispose();

  const keys = (await redis.call('KEYS', '*weeks*')) as string[];
  const times = await Promise.all(keys.map(async (key) => Number(await redis.call('PTTL', key))));
  t.true(
    times.some((ms) => ms > 13.9 * 86_400_000 && ms <= 14 * 86_400_000),
    `${keys}: ${times}`,
  );
});

test.serial(
  'all drivers of a process share one connection, which is closed with the last driver and opened at the next use',
  async (t) => {
    process.env.REDIS_URL = redis.url;
    const drivers = [await opened('one'), await opened('two')];
    t.is(await connections(), 1);

    await Promise.all(drivers.map((driver) => driver.dispose()));
    await untilResult(connections, (count) => count === 0);
    t.is(await (drivers[0] as SessionDriver).getItem('id'), null);
    t.is(await connections(), 1);

    await (drivers[0] as SessionDriver).dispose();
    delete process.env.REDIS_URL;
    const embedded = await opened('three');
    t.true(isOpen(join(folder, 'state.db')));
    await embedded.dispose();
    await until(() => !isOpen(join(folder, 'state.db')), 'the end of the database');
  },
);

test.serial('while Redis is away every operation rejects within a second with the reason', async (t) => {
  process.env.REDIS_URL = `redis://127.0.0.1:${await silentPort(t)}`;
  const driver = createDriver();

  const startedAtMs = performance.now();
  const outcomes = await Promise.allSettled([driver.getItem('id'), driver.setItem('id', 'x'), driver.getKeys()]);

  t.true(performance.now() - startedAtMs < SOON_MS);
  for (const outcome of outcomes) {
    t.is(outcome.status, 'rejected');
    if (outcome.status === 'rejected') t.regex(outcome.reason.message, /^Redis 127\.0\.0\.1:\d+ /);
  }
  await driver.dispose();
});

test.serial(
  'invalid settings reject with an error, and corrected settings are used by the next operation',
  async (t) => {
    process.env.REDIS_URL = 'http://redis';
    const driver = createDriver({ base: 'mended' });
    await t.throwsAsync(driver.getItem('id'), {
      message: /^REDIS_URL must be a URL such as .*, got "http:\/\/redis"$/,
    });

    process.env.REDIS_URL = redis.url;
    t.is(
      await untilResult(
        () => driver.getItem('id').catch(() => undefined),
        (item) => item !== undefined,
      ),
      null,
    );
    await driver.dispose();
  },
);

test('invalid options throw at once', (t) => {
  for (const ttl of [0, -1, Number.NaN, '60']) {
    t.throws(() => createDriver({ ttl: ttl as number }), {
      instanceOf: TypeError,
      message: /^ttl must be a number of seconds above 0/,
    });
  }
  t.throws(() => createDriver({ base: 7 as unknown as string }), {
    instanceOf: TypeError,
    message: 'base must be a string, got number',
  });
});

/** A driver whose store is open. On a busy machine that may take longer than an operation waits. */
async function opened(base: string, options: { readonly ttl?: number } = {}): Promise<SessionDriver> {
  const driver = createDriver({ base, ...options });
  await untilResult(
    () => driver.getItem('none').catch((error: unknown) => String(error)),
    (item) => item === null,
  );
  return driver;
}

/** Number of connections to Redis, without the test's own. */
async function connections(): Promise<number> {
  const list = String(await redis.call('CLIENT', 'LIST'));
  return list.split('\n').filter((line) => line.includes('name=nexthop')).length;
}
