import test from 'ava';
import { PUSH } from '../../../src/stores/redis/queue-scripts.ts';
import { claimAll, claimSoon, LONG_LEASE_MS, newJob, SHORT_LEASE_MS } from '../../helpers/prepare-store.ts';
import { startRedis } from '../../helpers/redis-server.ts';
import { openStore } from '../../helpers/redis-store.ts';
import { until } from '../../helpers/until.ts';
import { untilResult } from '../../helpers/until-result.ts';

test('done jobs and expired values leave no keys', async (t) => {
  const server = await startRedis(t);
  const { store } = openStore(t, server.url);
  const { queue } = store;
  const kv = store.kv('sessions');
  for (let count = 0; count < 20; count++) {
    await queue.push(newJob({ rule: `rule ${count % 3}` }));
    await kv.put(`short ${count}`, Buffer.from('x'), 1);
  }
  const rules = ['rule 0', 'rule 1', 'rule 2'];
  await queue.again(await claimSoon(queue, { rules }), Date.now(), 'x');
  const dead = await claimSoon(queue, { rules });
  await queue.bury(dead, 'x');
  for (let claim = await queue.claim(rules, 1000); claim; claim = await queue.claim(rules, 1000))
    await queue.done(claim);
  await queue.ledger.drop(dead.job.id);
  await untilResult(
    () => kv.get('short 19'),
    (value) => value === undefined,
  );
  // Without a list, each change removes a few.
  for (let count = 0; count < 3; count++) await kv.delete('none');

  t.deepEqual(await server.call('KEYS', '*'), []);
});

test('all keys of a queue, and all keys of a namespace, are in one slot of a Cluster', async (t) => {
  const server = await startRedis(t);
  const { store, prefix } = openStore(t, server.url);
  await store.queue.push(newJob({ rule: 'with {braces}' }));
  await store.queue.push(newJob());
  await store.queue.bury(await claimSoon(store.queue), 'x');
  await store.queue.push(newJob());
  await claimSoon(store.queue);
  await store.queue.tick({ rule: 'daily', schedule: '@daily', atMs: 1, payload: Buffer.alloc(0) });
  for (const namespace of ['a}b', '']) await store.kv(namespace).put('{key}', Buffer.from('x'), 60_000);

  const keys = (await server.call('KEYS', '*')) as string[];

  const tags = new Set(keys.map((key) => /^\{([^}]+)\}/.exec(key)?.[1]));
  t.deepEqual([...tags].toSorted(), [prefix, `${prefix}:`, `${prefix}:a%7Db`].toSorted());
});

test('a lease that was taken before the clock was set back does not last longer than its length', async (t) => {
  const server = await startRedis(t);
  const { store, prefix } = openStore(t, server.url);
  const { queue } = store;
  const id = await queue.push(newJob());
  await queue.push(newJob({ rule: 'other' }));
  await claimSoon(queue);
  await claimSoon(queue, { rules: ['other'] });
  t.is(await queue.claim(['mail', 'other'], LONG_LEASE_MS), undefined);
  // As if the clock had been an hour ahead at the claim.
  await server.call('ZINCRBY', `{${prefix}}:held:mail`, 3_600_000, id);

  const claim = await queue.claim(['mail', 'other'], LONG_LEASE_MS);

  t.like(claim?.job, { id, attempts: 2 });
  t.is(await queue.claim(['mail', 'other'], LONG_LEASE_MS), undefined);
});

test('of jobs that are due at the same time the one that was pushed first is claimed first, also with several rules', async (t) => {
  const server = await startRedis(t);
  const { queue } = openStore(t, server.url).store;
  const ids: string[] = [];
  for (const rule of ['b', 'c', 'a', 'b']) ids.push(await queue.push(newJob({ rule, dueAtMs: 1000 })));

  const claimed = await claimAll(queue, ['a', 'b', 'c']);

  t.deepEqual(
    claimed.map(({ id }) => id),
    ids,
  );
});

test('a push that is sent twice is one job', async (t) => {
  const server = await startRedis(t);
  const { store, prefix } = openStore(t, server.url);
  const id = await store.queue.push(newJob());
  await claimSoon(store.queue);
  const before = await server.call('HGETALL', `{${prefix}}:job:${id}`);

  await server.call('EVAL', PUSH.lua, 1, `{${prefix}}`, id, 'mail', 1, 'hello');

  t.deepEqual(await server.call('HGETALL', `{${prefix}}:job:${id}`), before);
  t.deepEqual(await store.queue.ledger.counts(), { waiting: 0, running: 1, dead: 0 });
});

test('a job whose data was deleted does not block other jobs', async (t) => {
  const server = await startRedis(t);
  const { store, prefix } = openStore(t, server.url);
  const { queue } = store;
  const first = await queue.push(newJob({ dueAtMs: 1 }));
  const second = await queue.push(newJob({ dueAtMs: 2 }));
  await server.call('DEL', `{${prefix}}:job:${first}`);

  t.is((await claimSoon(queue)).job.id, second);
  t.is(await queue.claim(['mail'], LONG_LEASE_MS), undefined);
  t.deepEqual(await queue.ledger.counts(), { waiting: 0, running: 1, dead: 0 });
});

test('scripts that the server no longer has are sent again', async (t) => {
  const server = await startRedis(t);
  const { store } = openStore(t, server.url);
  await store.queue.push(newJob());
  await server.call('SCRIPT', 'FLUSH');

  await Promise.all([store.queue.push(newJob()), store.queue.push(newJob())]);

  t.deepEqual(await store.queue.ledger.counts(), { waiting: 3, running: 0, dead: 0 });
});

test('a long list of jobs is read completely', async (t) => {
  const server = await startRedis(t);
  const { store } = openStore(t, server.url);
  const { queue } = store;
  const ids: string[] = [];
  for (let count = 0; count < 130; count++) ids.push(await queue.push(newJob({ rule: `rule ${count % 13}` })));
  await claimSoon(queue, { rules: ['rule 4'], leaseMs: SHORT_LEASE_MS });

  const all = await queue.ledger.list({ limit: 1000 });
  const some = await queue.ledger.list({ limit: 1000, rule: 'rule 12', state: 'waiting' });

  t.deepEqual(
    all.map(({ id }) => id),
    ids,
  );
  t.is(some.length, 10);
  t.is((await queue.ledger.list({ limit: 100 })).length, 100);
});

test('the connection for push notifications is open only while there are listeners, and reconnects', async (t) => {
  const server = await startRedis(t);
  const { store } = openStore(t, server.url);
  const other = openStore(t, server.url).store;
  await Promise.all([store.queue.ledger.counts(), other.queue.ledger.counts()]);
  const listeners = async (): Promise<number> =>
    String(await server.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))
      .split('\n')
      .filter(Boolean).length;
  t.is(await listeners(), 0);
  let notified = 0;

  const stop = store.queue.onPush(() => notified++);
  await untilResult(listeners, (count) => count === 1);
  await server.kill();
  await server.restart();
  await untilResult(listeners, (count) => count === 1);
  // The listener is called after a reconnection, because jobs may have been pushed meanwhile.
  await until(() => notified >= 2, 'a notification after the restart');

  stop();
  await untilResult(listeners, (count) => count === 0);
});
