import test, { type ExecutionContext } from 'ava';
import { sendUntilTaken } from '../helpers/background-site.ts';
import { freePort } from '../helpers/free-port.ts';
import { assertAway, assertBack, type Module, startModule } from '../helpers/outage.ts';
import { runGroup, untilReplicated } from '../helpers/redis-group.ts';
import { type RedisServer, startRedis } from '../helpers/redis-server.ts';
import { untilResult } from '../helpers/until-told.ts';

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

/** What a Redis must be set to that loses nothing, whatever happens to it. */
const SAFE = { appendonly: 'yes', appendfsync: 'always' };

for (const [what, { begin, end }] of Object.entries(OUTAGES)) {
  test(`while a Redis ${what}, what needs no state is as fast as ever, the rest a quick 503, and nothing accepted is lost`, async (t) => {
    const server = await startRedis(t, { settings: SAFE });
    const module = await startModule(t, { REDIS_URL: server.url });
    const accepted = await acceptSome(module);

    await begin(server);
    await assertAway(t, module.url, 'refused 1');
    // What is running ends while nobody can be told.
    await module.site.release();
    await module.site.untilLedger((lines) => lines.some(({ event, text }) => event === 'ends' && text === 'hold'));
    await assertAway(t, module.url, 'refused 2');
    await end(server);

    await assertBack(t, module, accepted);
    await assertQuietLog(t, module);
  });
}

test('a module whose Redis is away when it starts is up, refuses jobs, and takes them as soon as Redis is there', async (t) => {
  const server = await startRedis(t, { settings: SAFE });
  await server.kill();
  const module = await startModule(t, { REDIS_URL: server.url });

  await assertAway(t, module.url, 'refused');
  await server.restart();

  await assertBack(t, module, []);
  const texts = (await module.site.ledger()).map(({ text }) => text);
  t.false(texts.includes('refused'), 'what was refused because nobody was there does not happen later');
  await assertQuietLog(t, module);
});

test('a failover by Sentinel is followed without a restart, and nothing that the replica has is lost', async (t) => {
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

/** One that runs until it is released, and some that wait. Resolves with their texts. */
async function acceptSome({ url, site }: Module): Promise<readonly string[]> {
  const texts = ['hold', 'hold too', 'hold as well', 'hold on', 'hold it', 'waits', 'waits too'];
  for (const text of texts) await sendUntilTaken(url, text);
  await site.untilLedger((lines) => lines.length === 5);
  return texts;
}

/** An outage is some lines in error.log, not one for each request or second of it. */
async function assertQuietLog(t: ExecutionContext, { edge }: Module): Promise<void> {
  const lines = await untilResult(
    () => edge.errorLines(),
    (found) => found.some(({ message }) => /is back/.test(String(message))),
  );
  const told = lines.map(({ message }) => String(message)).filter((message) => /store/.test(message));
  t.true(told.length >= 1 && told.length <= 12, told.join('\n'));
}
