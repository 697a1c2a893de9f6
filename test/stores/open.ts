import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { readConfig } from '../../src/config/config.ts';
import { openStore } from '../../src/stores/open.ts';
import { CHILD_ENV } from '../helpers/child-env.ts';
import { newJob } from '../helpers/prepare-store.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { ready, recordingLog } from '../helpers/sqlite-store.ts';

test.serial('without a REDIS_URL the store is in DATA_DIR', async (t) => {
  const folder = await siteFolder(t);
  const config = readConfig({ env: { DATA_DIR: join(folder, 'data') } });
  const store = openStore(config, recordingLog([]));
  t.teardown(() => store.close());

  await (await ready(store)).queue.push(newJob());

  t.true(existsSync(join(folder, 'data', 'state.db')));
});

test.serial('with a REDIS_URL the store is in Redis, with the prefix, and nothing is in DATA_DIR', async (t) => {
  const folder = await siteFolder(t);
  const redis = await startRedis(t);
  const env = { DATA_DIR: join(folder, 'data'), REDIS_URL: redis.url, REDIS_PREFIX: 'a-site' };
  const store = openStore(readConfig({ env }), recordingLog([]));
  t.teardown(() => store.close());

  await (await ready(store)).queue.push(newJob());

  const keys = await redis.call('KEYS', '*');
  t.true(Array.isArray(keys) && keys.length > 0 && keys.every((key) => String(key).includes('a-site')));
  t.false(existsSync(join(folder, 'data')));
});

/** A script that opens a store and prints the loaded packages as JSON. */
const LOADED = `
  const [edge, config, open] = process.argv.slice(1);
  await import(edge);
  const settings = (await import(config)).readConfig();
  await (await import(open)).openStore(settings, {}).close();
  const { createRequire } = await import('node:module');
  console.log(Object.keys(createRequire(edge).cache).some((file) => file.includes('/node_modules/ioredis/')));`;

test.serial('ioredis is loaded only with a REDIS_URL', async (t) => {
  const modules = ['edge.ts', 'config/config.ts', 'stores/open.ts'].map((file) =>
    join(import.meta.dirname, '../../src', file),
  );
  const loads = async (env: Record<string, string>) => {
    const args = ['--input-type=module', '-e', LOADED, ...modules];
    return (await promisify(execFile)(process.execPath, args, { env: { ...CHILD_ENV, ...env } })).stdout.trim();
  };

  t.is(await loads({}), 'false');
  t.is(await loads({ REDIS_URL: 'redis://127.0.0.1:1' }), 'true');
});
