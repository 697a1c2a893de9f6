import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { CALL_TIMEOUT_MS } from '../../../src/contract/store.ts';
import { claimSoon, newJob } from '../../helpers/prepare-store.ts';
import { startRedis } from '../../helpers/redis-server.ts';
import { OUTAGE_CALL_MS, openStore } from '../../helpers/redis-store.ts';
import { logText, storeFault } from '../../helpers/store-fault.ts';
import { untilResult } from '../../helpers/until-result.ts';

/** The log lines about the beginning and the end of outages. */
function outages({ lines }: ReturnType<typeof openStore>): string[] {
  return lines
    .map(({ message }) => / (is [^;]*|cannot [^;]*|refuses [^;]*); operations that need it|(is back)/.exec(message))
    .flatMap((found) => (found ? [found[1] ?? found[2] ?? ''] : []));
}

test('a replica answers reads, refuses writes, and is used again when it is a master', async (t) => {
  const [server, master] = await Promise.all([startRedis(t), startRedis(t)]);
  const opened = openStore(t, server.url);
  const { queue, kv } = opened.store;
  const things = kv('things');
  await things.put('key', Buffer.from('value'));
  // A replica copies the data of its master, which is empty.
  await server.call('CONFIG', 'SET', 'replica-serve-stale-data', 'yes');
  await server.call('REPLICAOF', '127.0.0.1', master.port);

  for (let count = 0; count < 3; count++) {
    const fault = await storeFault(t, queue.push(newJob()));
    t.is(fault.message, `Redis 127.0.0.1:${server.port} is a replica that accepts no writes`);
    await untilResult(() => queue.ledger.counts().catch(() => undefined), Boolean);
    await t.notThrowsAsync(things.list('', 10));
  }
  await server.call('REPLICAOF', 'NO', 'ONE');
  await untilResult(() => queue.push(newJob()).catch(() => undefined), Boolean);

  t.deepEqual(outages(opened), ['is a replica that accepts no writes', 'is back']);
});

test('a Redis that is out of memory refuses new jobs, and accepted jobs can still end', async (t) => {
  const server = await startRedis(t);
  const opened = openStore(t, server.url);
  const { queue, kv } = opened.store;
  await kv('things').put('key', Buffer.from('old'));
  for (let count = 0; count < 5; count++) await queue.push(newJob());
  await server.call('CONFIG', 'SET', 'maxmemory', '1');

  const fault = await storeFault(t, queue.push(newJob({ payload: Buffer.from('a secret of a client') })));
  t.is(fault.message, `Redis 127.0.0.1:${server.port} is out of memory (maxmemory)`);
  t.false(logText(fault).includes('secret'));
  t.regex(logText(fault), /OOM/);
  await storeFault(t, kv('things').put('key', Buffer.from('new')));
  t.is(Buffer.from((await kv('things').get('key')) ?? []).toString(), 'old');
  t.deepEqual(await queue.ledger.counts(), { waiting: 5, running: 0, dead: 0 });
  t.true(await queue.done(await claimSoon(queue)));
  t.true(await queue.again(await claimSoon(queue), Date.now(), 'x'));
  t.true(await queue.bury(await claimSoon(queue), 'x'));
  const held = await claimSoon(queue);
  t.true(await queue.extend(held, 60_000));
  t.deepEqual(outages(opened), ['is out of memory (maxmemory)']);
  await kv('things').delete('key');
  await server.call('CONFIG', 'SET', 'maxmemory', '0');
  await queue.push(newJob());

  t.deepEqual(await queue.ledger.counts(), { waiting: 3, running: 1, dead: 1 });
  t.deepEqual(outages(opened), ['is out of memory (maxmemory)', 'is back']);
});

test('a Redis that cannot save refuses writes until it can', async (t) => {
  const server = await startRedis(t, { settings: { save: '3600 1', dbfilename: 'taken.rdb' } });
  await mkdir(join(server.folder, 'taken.rdb'));
  const opened = openStore(t, server.url);
  await opened.store.queue.push(newJob());
  await server.call('BGSAVE');
  await untilResult(
    async () => String(await server.call('INFO', 'persistence')),
    (info) => info.includes('rdb_last_bgsave_status:err'),
  );

  const fault = await storeFault(t, opened.store.queue.push(newJob()));

  t.is(fault.message, `Redis 127.0.0.1:${server.port} cannot write to its disk, and accepts no writes`);
  await server.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no');
  await opened.store.queue.push(newJob());
  t.deepEqual(outages(opened), ['cannot write to its disk, and accepts no writes', 'is back']);
});

for (const [kind, login] of [
  ['none', ''],
  ['a wrong one', ':not%20the%20password@'],
  ['a wrong user', 'stranger:not%20the%20password@'],
] as const) {
  test(`the error of a Redis that needs a password and gets ${kind} does not have the password`, async (t) => {
    const server = await startRedis(t, { settings: { requirepass: 'right' }, password: 'right' });
    const opened = openStore(t, `redis://${login}127.0.0.1:${server.port}`, { callTimeoutMs: OUTAGE_CALL_MS });

    const fault = await storeFault(t, opened.store.queue.push(newJob()));

    t.is(fault.message, `Redis 127.0.0.1:${server.port} refuses the login`);
    t.regex(logText(fault), /NOAUTH|WRONGPASS/);
    t.false(/not%20the|not the/.test(logText(fault)), logText(fault));
    t.false(/not%20the|not the/.test(JSON.stringify(opened.lines)));
    await server.call('CONFIG', 'SET', 'requirepass', kind === 'none' ? '' : 'not the password');
    await server.call('ACL', 'SETUSER', 'stranger', 'on', '>not the password', '~*', '&*', '+@all');
    await untilResult(() => opened.store.queue.push(newJob()).catch(() => undefined), Boolean);
    t.deepEqual(outages(opened), ['refuses the login', 'is back']);
  });
}

test('a Cluster whose nodes refuse the login is reported with that reason', async (t) => {
  const server = await startRedis(t, { settings: { requirepass: 'right' }, password: 'right' });
  const { store } = openStore(t, `redis+cluster://127.0.0.1:${server.port}`, { callTimeoutMs: CALL_TIMEOUT_MS });

  const fault = await storeFault(t, store.queue.push(newJob()));

  t.regex(fault.message, /^Redis Cluster .* refuses the login$/);
});

test('user, password and database are taken from the URL', async (t) => {
  const server = await startRedis(t);
  await server.call('ACL', 'SETUSER', 'site', 'on', '>p@ss word', '~*', '&*', '+@all');
  const { store, prefix } = openStore(t, `redis://site:p%40ss%20word@127.0.0.1:${server.port}/3`);

  await store.queue.push(newJob());

  t.is(await server.call('EXISTS', `{${prefix}}:waiting`), 0);
  await server.call('SELECT', 3);
  t.is(await server.call('EXISTS', `{${prefix}}:waiting`), 1);
  t.regex(String(await server.call('CLIENT', 'LIST')), / user=site /);
});

test('a user without the right to publish can use the store, and the log has a warning', async (t) => {
  const server = await startRedis(t);
  await server.call('ACL', 'SETUSER', 'site', 'on', '>secret', '~*', 'resetchannels', '+@all');
  const { store, lines } = openStore(t, `redis://site:secret@127.0.0.1:${server.port}`, {
    callTimeoutMs: OUTAGE_CALL_MS,
  });
  store.queue.onPush(() => {});

  await store.queue.push(newJob());

  t.truthy(await claimSoon(store.queue));
  await untilResult(
    async () => lines.filter(({ level }) => level === 'warn'),
    (warnings) => warnings.length === 1 && /forbids this user the channel/.test(warnings[0]?.message ?? ''),
  );
});

test('the error for a user without a needed right says so', async (t) => {
  const server = await startRedis(t);
  await server.call('ACL', 'SETUSER', 'site', 'on', '>secret', '~other*', '&*', '+@all');
  const { store, lines } = openStore(t, `redis://site:secret@127.0.0.1:${server.port}`, {
    callTimeoutMs: OUTAGE_CALL_MS,
  });

  const fault = await storeFault(t, store.queue.push(newJob()));

  t.regex(fault.message, /forbids this user a command, a key or a channel that is needed$/);
  t.false(logText(fault).includes('hello'));
  t.is(lines.filter(({ level }) => level === 'warn').length, 1);
});

test('an unknown error has the message of Redis', async (t) => {
  const server = await startRedis(t);
  const { store, prefix } = openStore(t, server.url);
  await server.call('SET', `{${prefix}}:due:mail`, 'something else');

  const fault = await storeFault(t, store.queue.claim(['mail'], 1000));

  t.regex(fault.message, /cannot be used: WRONGTYPE /);
  await t.notThrowsAsync(store.queue.claim(['other'], 1000));
});

test('the log warns of settings with which Redis can lose accepted jobs', async (t) => {
  const careless = await startRedis(t, { settings: { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' } });
  const careful = await startRedis(t, { settings: { maxmemory: '100mb', appendonly: 'yes' } });
  const one = openStore(t, careless.url);
  const two = openStore(t, careful.url);
  await untilResult(
    async () => one.lines,
    (lines) => lines.length === 2,
  );
  await careless.kill();
  await careless.restart();
  await untilResult(() => one.store.queue.push(newJob()).catch(() => undefined), Boolean);
  for (let count = 0; count < 3; count++) await two.store.queue.push(newJob());

  t.regex(
    one.lines[0]?.message ?? '',
    /maxmemory-policy allkeys-lru\), accepted jobs among them; set it to noeviction$/,
  );
  t.regex(one.lines[1]?.message ?? '', /no append-only file/);
  t.is(one.lines.length, 2);
  t.deepEqual(two.lines, []);
});
