import { access } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CALL_TIMEOUT_MS, type Store } from '../../src/contract/store.ts';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import { jobDialect } from '../helpers/job-dialect.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { scriptedHop } from '../helpers/peer.ts';
import { silentPort } from '../helpers/silent-port.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { sqliteFolder } from '../helpers/sqlite-store.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

test('a job that a request pushes runs', async (t) => {
  const ran: string[] = [];
  const { url } = await startEdge(t, {
    dialects: [jobDialect(async (text) => void ran.push(text))],
    env: { STORE_FSYNC: '0' },
  });

  const id = await push(url, 'letter');

  t.regex(id, /^[0-9A-Z]{26}$/);
  await until(() => ran.length > 0, 'the job');
  t.deepEqual(ran, ['letter']);
});

test('a site without jobs and values creates no file and opens no connection', async (t) => {
  const redis = await scriptedHop(t, () => {});
  const site = await siteFolder(t, { 'public/a.txt': 'a' });
  const embedded = await startEdge(t, { site });
  const shared = await startEdge(t, { site, env: { REDIS_URL: `redis://127.0.0.1:${redis.port}` } });

  for (const { url, edge, close } of [embedded, shared]) {
    t.is(await (await fetch(`${url}/a.txt`)).text(), 'a');
    await edge.reload();
    await close();
  }

  await t.throwsAsync(access(join(site, '.nexthop')), { code: 'ENOENT' });
  t.is(redis.peers.length, 0);
});

test('with JOB_CONCURRENCY=0 jobs are only stored, and another process runs them', async (t) => {
  const { dataDir } = await sqliteFolder(t);
  const ran: string[] = [];
  const note = (name: string) => jobDialect(async (text) => void ran.push(`${name} ${text}`));
  const taker = await startEdge(t, { dialects: [note('taker')], env: { ...onDisk(dataDir), JOB_CONCURRENCY: '0' } });
  await push(taker.url, 'letter');

  await startEdge(t, { dialects: [note('runner')], env: { ...onDisk(dataDir) } });

  await until(() => ran.length > 0, 'the job');
  t.deepEqual(ran, ['runner letter']);
});

test('in a drain a running job ends, and a request in flight can still push one', async (t) => {
  const folder = await sqliteFolder(t);
  const [running, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const ended: string[] = [];
  const dialect = jobDialect(async (text) => {
    running.resolve();
    await finish.promise;
    ended.push(text);
  });
  const [received, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const edge = await startEdge(t, { dialects: [dialect], env: { ...onDisk(folder.dataDir), DRAIN_TIMEOUT: '8s' } });
  await push(edge.url, 'first');
  await running.promise;
  dialect.beforePush = async () => {
    received.resolve();
    await release.promise;
  };
  await edge.edge.reload();
  const underWay = fetch(`${edge.url}/push?second`);
  await received.promise;

  const closed = edge.close();
  release.resolve();
  const answer = await underWay;
  finish.resolve();
  await closed;

  t.is(answer.status, 200);
  t.deepEqual(ended, ['first']);
  t.deepEqual(await jobsIn(folder.open()), ['waiting second 0']);
});

/** On a busy machine the thread of the store may get no processor in the time that is left to close it. */
const MOST_DRAINS = 5;

test('a job that does not end within the drain is aborted and given back, without a failure', async (t) => {
  for (let drains = 1; ; drains++) {
    const { signal, messages, folder } = await drainWithJob(t);

    t.true(signal.aborted);
    t.true(
      messages.includes('a job is given back, to be run again'),
      'the drain waits for the job, although no request is in flight',
    );
    const isLate = messages.some((text) => /not closed in time/.test(String(text)));
    if (isLate && drains < MOST_DRAINS) continue;
    t.false(isLate);
    t.deepEqual(await jobsIn(folder.open()), ['waiting letter 0']);
    return;
  }
});

async function drainWithJob(t: ExecutionContext) {
  const folder = await sqliteFolder(t);
  const running = Promise.withResolvers<AbortSignal>();
  const dialect = jobDialect(async (_, { signal }) => {
    running.resolve(signal);
    await new Promise(() => {});
  });
  const edge = await startEdge(t, { dialects: [dialect], env: { ...onDisk(folder.dataDir), DRAIN_TIMEOUT: '2200ms' } });
  await push(edge.url, 'letter');
  const signal = await running.promise;

  await edge.close();

  const messages = (await edge.errorLines()).map(({ message }) => message);
  return { signal, messages, folder };
}

test('after a reload jobs run with the new rules, and running jobs end with the old ones', async (t) => {
  const [running, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const ended: string[] = [];
  const dialect = jobDialect(async (text) => {
    running.resolve();
    await finish.promise;
    ended.push(`old ${text}`);
  });
  const { url, edge } = await startEdge(t, { dialects: [dialect], env: { STORE_FSYNC: '0' } });
  await push(url, 'first');
  await running.promise;

  dialect.run = async (text) => void ended.push(`new ${text}`);
  await edge.reload();
  await push(url, 'second');
  await until(() => ended.length === 1, 'the second job');
  finish.resolve();
  await until(() => ended.length === 2, 'the first job');

  t.deepEqual(ended, ['new second', 'old first']);
});

test('while the store is unreachable, nexthop is ready, answers requests that need no store, and refuses jobs with 503 within a second', async (t) => {
  const dialects = [jobDialect(async () => {})];
  const env = { REDIS_URL: `redis://127.0.0.1:${await silentPort(t)}` };
  const running = await startEdge(t, { dialects, env, callTimeoutMs: CALL_TIMEOUT_MS });
  const { url } = running;

  const startedAtMs = performance.now();
  const pushed = await fetch(`${url}/push?letter`);
  const tookMs = performance.now() - startedAtMs;

  t.is(pushed.status, 503);
  t.regex(await pushed.text(), /store_unavailable/);
  t.true(tookMs < SOON_MS, `${tookMs} ms`);
  t.is(await (await fetch(`${url}/none`)).text(), 'none');
  t.is((await fetch(`${url}/.well-known/nexthop/ready`)).status, 200);
  await endsSoon(t, running);
});

async function endsSoon(t: ExecutionContext, { close }: RunningEdge): Promise<void> {
  const startedAtMs = performance.now();
  await close();
  t.true(performance.now() - startedAtMs < SOON_MS);
}

/** Pushes a job and resolves with its id. Repeats the request if the store refuses it, because on a busy machine opening the store may take longer than the deadline of a call. */
async function push(url: string, text: string): Promise<string> {
  const send = async () => {
    const answer = await fetch(`${url}/push?${text}`);
    return { status: answer.status, id: await answer.text() };
  };
  return (await untilResult(send, ({ status }) => status === 200)).id;
}

/** Settings for a store on disk, without fsync, because other tests use the same disk. */
function onDisk(dataDir: string) {
  return { DATA_DIR: dataDir, STORE_FSYNC: '0' };
}

/** State, payload and failures of each job. Repeats the call if the store refuses it, as `push` does. */
async function jobsIn({ queue }: Store): Promise<readonly string[]> {
  const read = () => queue.ledger.list({ limit: 10 }).catch(() => undefined);
  const records = (await untilResult(read, (records) => records !== undefined)) ?? [];
  return records.map(({ state, payload, failures }) => `${state} ${new TextDecoder().decode(payload)} ${failures}`);
}
