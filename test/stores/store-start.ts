import { existsSync } from 'node:fs';
import test from 'ava';
import { CALL_TIMEOUT_MS } from '../../src/contract/store.ts';
import { startEdge } from '../helpers/edge.ts';
import { jobDialect } from '../helpers/job-dialect.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { silentPort } from '../helpers/silent-port.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { sqliteFolder } from '../helpers/sqlite-store.ts';

const jobs = [jobDialect(async () => {})];

test('the store of a site with jobs is opened before the port, also with JOB_CONCURRENCY=0', async (t) => {
  for (const JOB_CONCURRENCY of ['20', '0']) {
    const { dataDir, file } = await sqliteFolder(t);

    await startEdge(t, { dialects: jobs, env: { DATA_DIR: dataDir, STORE_FSYNC: '0', JOB_CONCURRENCY } });

    t.true(existsSync(file), JOB_CONCURRENCY);
  }
});

test('the store of a site with KV storage is opened before the port', async (t) => {
  const { dataDir, file } = await sqliteFolder(t);
  const env = { DATA_DIR: dataDir, STORE_FSYNC: '0', KV_BINDINGS: 'store_start_kv' };

  await startEdge(t, { site: await siteFolder(t, { 'public/a.txt': 'a' }), env });

  t.true(existsSync(file));
});

test('an unreachable store delays the start for a limited time, and the server still listens', async (t) => {
  const before = performance.now();

  const { url } = await startEdge(t, {
    dialects: jobs,
    env: { REDIS_URL: `redis://127.0.0.1:${await silentPort(t)}`, DRAIN_TIMEOUT: '0' },
    callTimeoutMs: CALL_TIMEOUT_MS,
  });

  t.true(performance.now() - before < SOON_MS);
  t.is((await fetch(`${url}/none`)).status, 200);
});
