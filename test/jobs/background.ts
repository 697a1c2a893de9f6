import { access } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Store } from '../../src/contract/store.ts';
import { deafPort } from '../helpers/deaf-port.ts';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import { jobDialect } from '../helpers/job-dialect.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { scriptedHop } from '../helpers/peer.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { sqliteRoom } from '../helpers/sqlite-store.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-told.ts';

test('a job that a request leaves behind is run', async (t) => {
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

test('a site that keeps nothing makes nothing on disk and calls nobody', async (t) => {
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

test('with a JOB_CONCURRENCY of 0 jobs are only taken in, and another process runs them', async (t) => {
  const { dataDir } = await sqliteRoom(t);
  const ran: string[] = [];
  const note = (who: string) => jobDialect(async (text) => void ran.push(`${who} ${text}`));
  const taker = await startEdge(t, { dialects: [note('taker')], env: { ...onDisk(dataDir), JOB_CONCURRENCY: '0' } });
  await push(taker.url, 'letter');

  await startEdge(t, { dialects: [note('runner')], env: { ...onDisk(dataDir) } });

  await until(() => ran.length > 0, 'the job');
  t.deepEqual(ran, ['runner letter']);
});

test('in a drain a running job ends, and a request that is under way may still leave one behind', async (t) => {
  const room = await sqliteRoom(t);
  const [running, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const ended: string[] = [];
  const dialect = jobDialect(async (text) => {
    running.resolve();
    await finish.promise;
    ended.push(text);
  });
  const [asked, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const edge = await startEdge(t, { dialects: [dialect], env: { ...onDisk(room.dataDir), DRAIN_TIMEOUT: '8s' } });
  await push(edge.url, 'first');
  await running.promise;
  dialect.beforePush = async () => {
    asked.resolve();
    await release.promise;
  };
  await edge.edge.reload();
  const underWay = fetch(`${edge.url}/push?second`);
  await asked.promise;

  const closed = edge.close();
  release.resolve();
  const answer = await underWay;
  finish.resolve();
  await closed;

  t.is(answer.status, 200);
  t.deepEqual(ended, ['first']);
  t.deepEqual(await jobsIn(room.open()), ['waiting second 0']);
});

test('a job that does not end within the drain is told to and given back, without counting as failed', async (t) => {
  const room = await sqliteRoom(t);
  const running = Promise.withResolvers<AbortSignal>();
  const dialect = jobDialect(async (_, { signal }) => {
    running.resolve(signal);
    await new Promise(() => {});
  });
  const edge = await startEdge(t, { dialects: [dialect], env: { ...onDisk(room.dataDir), DRAIN_TIMEOUT: '2200ms' } });
  await push(edge.url, 'letter');
  const signal = await running.promise;

  await edge.close();

  t.true(signal.aborted);
  const told = (await edge.errorLines()).map(({ message }) => message);
  t.true(
    told.includes('a job is given back, to be run again'),
    'all of its time is waited for, though no request is under way',
  );
  t.false(told.some((text) => /not closed in time/.test(String(text))));
  t.deepEqual(await jobsIn(room.open()), ['waiting letter 0']);
});

test('after a reload jobs run by the new rules, and what runs is finished by the old', async (t) => {
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

test('while the store is away it is ready, answers what needs no store, and refuses jobs with 503 within a second', async (t) => {
  const dialects = [jobDialect(async () => {})];
  const running = await startEdge(t, { dialects, env: { REDIS_URL: `redis://127.0.0.1:${await deafPort(t)}` } });
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

/** Resolves with the id of the job. A busy machine may take longer to open the store than a verb waits: then it was not taken. */
async function push(url: string, text: string): Promise<string> {
  const ask = async () => {
    const answer = await fetch(`${url}/push?${text}`);
    return { status: answer.status, id: await answer.text() };
  };
  return (await untilResult(ask, ({ status }) => status === 200)).id;
}

/** The disk is shared with other tests. */
function onDisk(dataDir: string) {
  return { DATA_DIR: dataDir, STORE_FSYNC: '0' };
}

/** Each as its state, payload and failures. A busy machine may take longer to open the store than a verb waits. */
async function jobsIn({ queue }: Store): Promise<readonly string[]> {
  const ask = () => queue.ledger.list({ limit: 10 }).catch(() => undefined);
  const records = (await untilResult(ask, (told) => told !== undefined)) ?? [];
  return records.map(({ state, payload, failures }) => `${state} ${new TextDecoder().decode(payload)} ${failures}`);
}
