import test, { type ExecutionContext } from 'ava';
import { sendUntilTaken } from '../helpers/background-site.ts';
import { freePort } from '../helpers/free-port.ts';
import { runGroup, untilReplicated } from '../helpers/redis-group.ts';
import { type RedisServer, startRedis } from '../helpers/redis-server.ts';
import { assertAway, assertBack, type Module, startModule } from '../helpers/store-outage.ts';
import { untilResult } from '../helpers/until-result.ts';

interface Outage {
  begin(server: RedisServer): Promise<unknown>;
  end(server: RedisServer): Promise<unknown>;
}

const OUTAGES: Readonly<Record<string, Outage>> = {
  'is killed and started again': { begin: ({ kill }) => kill(), end: ({ restart }) => restart() },
  'is too slow to answer': { begin: async ({ freeze }) => freeze(), end: async ({ thaw }) => thaw() },
  'becomes a replica, and a master again': {
    begin: async ({ call }) => call('REPLICAOF', '127.0.0.1', await freePort()),
    end: ({ call }) => call('REPLICAOF', 'NO', 'ONE'),
  },
  'is out of memory': {
    begin: ({ call }) => call('CONFIG', 'SET', 'maxmemory', '1'),
    end: ({ call }) => call('CONFIG', 'SET', 'maxmemory', '0'),
  },
};

/** The settings with which a Redis loses no job. */
const SAFE = { appendonly: 'yes', appendfsync: 'always' };

for (const [what, { begin, end }] of Object.entries(OUTAGES)) {
  test(`while a Redis ${what}, requests without state are as fast as ever, others get 503 quickly, and no accepted job is lost`, async (t) => {
    const server = await startRedis(t, { settings: SAFE });
    const module = await startModule(t, { REDIS_URL: server.url });
    const accepted = await acceptSome(module);

    await begin(server);
    await assertAway(t, module.url, 'refused 1');
    // The running job ends while its result cannot be stored.
    await module.site.release();
    await module.site.untilLedger((lines) => lines.some(({ event, text }) => event === 'ends' && text === 'hold'));
    await assertAway(t, module.url, 'refused 2');
    await end(server);

    await assertBack(t, module, accepted);
    await assertQuietLog(t, module);
  });
}

test('nexthop starts without its Redis, refuses jobs, and accepts them as soon as Redis is reachable', async (t) => {
  const server = await startRedis(t, { settings: SAFE });
  await server.kill();
  const module = await startModule(t, { REDIS_URL: server.url });

  await assertAway(t, module.url, 'refused');
  await server.restart();

  await assertBack(t, module, []);
  const texts = (await module.site.ledger()).map(({ text }) => text);
  t.false(texts.includes('refused'), 'a refused job does not run later');
  await assertQuietLog(t, module);
});

test('nexthop follows a failover by Sentinel without a restart, and jobs of the replica are not lost', async (t) => {
  const group = await runGroup();
  t.teardown(() => group.stop());
  const module = await startModule(t, { REDIS_URL: group.url });
  const accepted = await acceptSome(module);
  await untilReplicated(group.master);

  await group.master.kill();
  await assertAway(t, module.url, 'refused');
  await module.site.release();

  await assertBack(t, module, accepted);
});

/** Pushes one job that runs until it is released, and some that wait. Resolves with their texts. */
async function acceptSome({ url, site }: Module): Promise<readonly string[]> {
  const texts = ['hold', 'hold too', 'hold as well', 'hold on', 'hold it', 'waits', 'waits too'];
  for (const text of texts) await sendUntilTaken(url, text);
  await site.untilLedger((lines) => lines.length === 5);
  return texts;
}

/** Asserts that an outage causes a few lines in error.log, not one for each request or second. */
async function assertQuietLog(t: ExecutionContext, { edge }: Module): Promise<void> {
  const lines = await untilResult(
    () => edge.errorLines(),
    (found) => found.some(({ message }) => /is back/.test(String(message))),
  );
  const messages = lines.map(({ message }) => String(message)).filter((message) => /store/.test(message));
  t.true(messages.length >= 1 && messages.length <= 12, messages.join('\n'));
}
