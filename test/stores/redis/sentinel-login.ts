import test from 'ava';
import { claimSoon, newJob } from '../../helpers/prepare-store.ts';
import { startRedis } from '../../helpers/redis-server.ts';
import { OUTAGE_CALL_MS, openStore } from '../../helpers/redis-store.ts';
import { logText, storeFault } from '../../helpers/store-fault.ts';

for (const [sentinelLogin, lines] of [
  ['no password', []],
  ['the same password', ['requirepass secret']],
] as const) {
  test(`user and password are those of the Redis, for Sentinels with ${sentinelLogin}`, async (t) => {
    const master = await startRedis(t, { settings: { requirepass: 'secret' }, password: 'secret' });
    await master.call('ACL', 'SETUSER', 'site', 'on', '>secret', '~*', '&*', '+@all');
    const watch = [`sentinel monitor main 127.0.0.1 ${master.port} 1`, 'sentinel auth-pass main secret'];
    const sentinel = await startRedis(t, { sentinel: [...watch, ...lines] });

    for (const login of [':secret', 'site:secret']) {
      const { store } = openStore(t, `redis+sentinel://${login}@127.0.0.1:${sentinel.port}/main/2`);
      await store.queue.push(newJob());
      t.truthy(await claimSoon(store.queue));
    }
    await master.call('SELECT', 2);
    const jobs = (await master.call('KEYS', '*:job:*')) as string[]; // as KEYS replies
    t.is(jobs.length, 2);
  });
}

test('the error of Sentinels that refuse the password does not have it', async (t) => {
  const master = await startRedis(t);
  const sentinel = await startRedis(t, {
    sentinel: [`sentinel monitor main 127.0.0.1 ${master.port} 1`, 'requirepass other'],
  });
  const { store } = openStore(t, `redis+sentinel://:secret@127.0.0.1:${sentinel.port}/main`, {
    callTimeoutMs: OUTAGE_CALL_MS,
  });

  const fault = await storeFault(t, store.queue.push(newJob()));

  t.regex(fault.message, /refuses the login$/);
  t.false(logText(fault).includes('secret'));
});

test('a group that the Sentinels do not have is an error', async (t) => {
  const master = await startRedis(t);
  const sentinel = await startRedis(t, { sentinel: [`sentinel monitor main 127.0.0.1 ${master.port} 1`] });
  const { store } = openStore(t, `redis+sentinel://127.0.0.1:${sentinel.port}/mine`, { callTimeoutMs: OUTAGE_CALL_MS });

  const fault = await storeFault(t, store.queue.push(newJob()));

  t.regex(fault.message, /^Redis "mine" of the Sentinels .* cannot be reached: All sentinels are unreachable/);
});
