import test from 'ava';
import { CALL_TIMEOUT_MS } from '../../../src/contract/store.ts';
import { SOON_MS } from '../../helpers/patience.ts';
import { claimAll, newJob } from '../../helpers/prepare-store.ts';
import { startRedis } from '../../helpers/redis-server.ts';
import { openStore } from '../../helpers/redis-store.ts';
import { storeFault } from '../../helpers/store-fault.ts';
import { until } from '../../helpers/until.ts';
import { untilResult } from '../../helpers/until-result.ts';

const works = async (verb: () => Promise<unknown>): Promise<boolean> =>
  verb().then(
    () => true,
    () => false,
  );

test('the store opens although Redis is unreachable, and uses it as soon as it is reachable', async (t) => {
  const server = await startRedis(t);
  await server.kill();
  const { store, lines } = openStore(t, server.url, { callTimeoutMs: CALL_TIMEOUT_MS });

  const first = await storeFault(t, store.queue.push(newJob()));
  t.is(
    first.message,
    `Redis 127.0.0.1:${server.port} cannot be reached: connect ECONNREFUSED 127.0.0.1:${server.port}`,
  );
  await storeFault(t, store.kv('things').get('key'));
  await server.restart();
  await untilResult(() => works(() => store.queue.ledger.counts()), Boolean);

  t.deepEqual(
    await store.queue.ledger.counts(),
    { waiting: 0, running: 0, dead: 0 },
    'what was refused is not done later',
  );
  await store.queue.push(newJob());
  t.is((await claimAll(store.queue)).length, 1);
  const outage = lines.filter(({ message }) => /store_unavailable|is back after/.test(message));
  t.deepEqual(
    outage.map(({ level }) => level),
    ['warn', 'info'],
  );
  t.regex(outage[1]?.message ?? '', /^Redis 127\.0\.0\.1:\d+ is back after \d+\.\d s$/);
});

test('during a longer outage calls are rejected immediately', async (t) => {
  const server = await startRedis(t);
  await server.kill();
  const { store } = openStore(t, server.url, { callTimeoutMs: CALL_TIMEOUT_MS });
  await storeFault(t, store.queue.ledger.counts());

  const startedAtMs = performance.now();
  for (let count = 0; count < 20; count++) await storeFault(t, store.queue.push(newJob()));

  const tookMs = performance.now() - startedAtMs;
  t.true(tookMs < SOON_MS, `it took ${tookMs} ms`);
});

test('a call during a restart of Redis waits for it', async (t) => {
  const server = await startRedis(t);
  const { store, lines } = openStore(t, server.url, { callTimeoutMs: CALL_TIMEOUT_MS });
  await store.queue.ledger.counts();
  await server.kill();

  const [restarted, id] = await Promise.all([server.restart(), untilResult(() => push(store), Boolean)]);

  t.is(restarted, undefined);
  t.like(await store.queue.ledger.find(id ?? ''), { state: 'waiting' });
  t.true(lines.length <= 3);
});

const push = async ({ queue }: ReturnType<typeof openStore>['store']): Promise<string | undefined> =>
  queue.push(newJob()).catch(() => undefined);

test('no accepted job is lost when Redis is killed', async (t) => {
  const server = await startRedis(t, { settings: { appendonly: 'yes', appendfsync: 'always' } });
  const { store } = openStore(t, server.url, { callTimeoutMs: CALL_TIMEOUT_MS });
  const accepted: string[] = [];
  let isOver = false;
  const pushers = [0, 1, 2, 3].map(async () => {
    while (!isOver) {
      const id = await push(store);
      if (id !== undefined) accepted.push(id);
      else await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  for (let round = 1; round <= 3; round++) {
    await until(() => accepted.length > round * 40, 'accepted jobs');
    await server.kill();
    await server.restart();
  }
  await until(() => accepted.length > 200, 'more accepted jobs');
  isOver = true;
  await Promise.all(pushers);

  const kept = new Set((await claimAll(store.queue)).map(({ id }) => id));

  t.deepEqual(
    accepted.filter((id) => !kept.has(id)),
    [],
  );
});

test('calls to a frozen Redis are rejected within a second, and it is used again when it continues', async (t) => {
  const server = await startRedis(t);
  const { store, lines } = openStore(t, server.url, { callTimeoutMs: CALL_TIMEOUT_MS });
  await store.queue.ledger.counts();
  server.freeze();

  const fault = await storeFault(t, store.kv('things').get('key'));
  t.is(fault.message, `Redis 127.0.0.1:${server.port} did not reply within 900 ms`);
  await Promise.all(Array.from({ length: 10 }, () => storeFault(t, store.queue.ledger.counts())));
  server.thaw();

  await untilResult(() => works(() => store.queue.ledger.counts()), Boolean);
  t.is(lines.filter(({ level }) => level === 'warn').length, 1);
  t.is(lines.filter(({ message }) => message.includes('is back after')).length, 1);
});

test('a call in flight is rejected when the connection breaks', async (t) => {
  const server = await startRedis(t);
  const { store } = openStore(t, server.url, { callTimeoutMs: CALL_TIMEOUT_MS });
  await store.queue.ledger.counts();
  server.freeze();
  const underWay = store.queue.push(newJob());
  const startedAtMs = performance.now();

  const [fault] = await Promise.all([storeFault(t, underWay), server.kill()]);

  t.regex(fault.message, /cannot be reached: (?:read ECONNRESET|the connection broke)$/);
  t.true(performance.now() - startedAtMs < SOON_MS);
});

test('a connection without any traffic is replaced', async (t) => {
  const server = await startRedis(t);
  const { store } = openStore(t, server.url, { callTimeoutMs: CALL_TIMEOUT_MS });
  await store.queue.ledger.counts();
  server.freeze();
  await storeFault(t, store.queue.push(newJob()));

  // After two seconds without a reply new connections are opened, which get no reply either.
  const fault = await untilResult(
    () => storeFault(t, store.queue.push(newJob())),
    ({ message }) => message.includes('cannot be reached'),
  );

  t.regex(fault.message, /cannot be reached: (Socket timeout|it is not ready yet|connect)/);
  server.thaw();
  await untilResult(() => works(() => store.queue.ledger.counts()), Boolean);
});

test('a call to a slow Redis is rejected within a second', async (t) => {
  const server = await startRedis(t);
  const { store } = openStore(t, server.url, { callTimeoutMs: CALL_TIMEOUT_MS });
  await store.queue.ledger.counts();
  await server.call('CLIENT', 'PAUSE', 1500, 'ALL');

  await storeFault(t, store.queue.claim(['mail'], 1000));

  await untilResult(() => works(() => store.queue.ledger.counts()), Boolean);
});

test('the store waits for a Redis that reads its data from disk', async (t) => {
  const server = await startRedis(t, {
    settings: { 'key-load-delay': '10000', 'loading-process-events-interval-bytes': '1024' },
  });
  for (let count = 0; count < 200; count++) await server.call('SET', `key ${count}`, 'x'.repeat(1000));
  await server.call('SAVE');
  await server.kill();
  const { store } = openStore(t, server.url, { callTimeoutMs: CALL_TIMEOUT_MS });
  const restarted = server.restart();

  const fault = await untilResult(
    () => storeFault(t, store.queue.push(newJob())),
    ({ message }) => /reading its data/.test(message),
  );

  t.regex(fault.message, /it is not ready yet, and may be reading its data from disk$/);
  await restarted;
  await untilResult(() => works(() => store.queue.push(newJob())), Boolean);
});

for (const state of ['away', 'frozen', 'there'] as const) {
  test(`a store closes when its Redis is ${state}, and rejects calls in flight`, async (t) => {
    const server = await startRedis(t);
    if (state === 'away') await server.kill();
    const { store } = openStore(t, server.url, { callTimeoutMs: CALL_TIMEOUT_MS });
    store.queue.onPush(() => {});
    if (state === 'away') await storeFault(t, store.queue.ledger.counts());
    else await store.queue.ledger.counts();
    if (state === 'frozen') server.freeze();
    const underWay = store.queue.push(newJob()).catch((error: unknown) => error);

    const startedAtMs = performance.now();
    await store.close();

    t.true(performance.now() - startedAtMs < SOON_MS);
    if (state === 'there') t.is(typeof (await underWay), 'string');
    else t.like(await underWay, { code: 'store_unavailable' });
    if (state === 'there')
      t.regex(
        String(await server.call('CLIENT', 'LIST')),
        /^id=\d+ [^\n]*\n$/,
        'the only connection is that of CLIENT LIST',
      );
  });
}
