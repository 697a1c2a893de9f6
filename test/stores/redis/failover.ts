import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test from 'ava';
import { SOON_MS } from '../../helpers/patience.ts';
import { runCluster } from '../../helpers/redis-cluster.ts';
import { runGroup, untilReplicated } from '../../helpers/redis-group.ts';
import { startRedis } from '../../helpers/redis-server.ts';
import { openStore } from '../../helpers/redis-store.ts';
import { storeFault } from '../../helpers/store-fault.ts';
import { claimAll, newJob } from '../../helpers/store-place.ts';
import { until } from '../../helpers/until.ts';
import { untilResult } from '../../helpers/until-told.ts';

/** Its slot is one of the first master's. */
const PREFIX_OF_FIRST = 'site-0';

test('a failover by Sentinel loses nothing that the replica had, and is followed without a restart', async (t) => {
  const group = await runGroup();
  t.teardown(() => group.stop());
  const { store, lines } = openStore(t, group.url);
  let heard = 0;
  store.queue.onPush(() => heard++);
  const accepted = await Promise.all(Array.from({ length: 20 }, () => store.queue.push(newJob())));
  await untilReplicated(group.master);
  await group.master.kill();

  const fault = await storeFault(t, store.queue.push(newJob()));
  t.regex(fault.message, /^Redis "main" of the Sentinels 127\.0\.0\.1:\d+ cannot be reached: /);
  const later = await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);

  const kept = (await claimAll(store.queue)).map(({ id }) => id);
  t.deepEqual(kept, [...accepted, later]);
  t.is(lines.filter(({ message }) => message.includes('is back after')).length, 1);
  heard = 0;
  await store.queue.push(newJob());
  await until(() => heard > 0, 'a ring from the new master');
});

test('a master that is demoted behind the back of its clients is left for the new one', async (t) => {
  const group = await runGroup();
  t.teardown(() => group.stop());
  const { store } = openStore(t, group.url);
  await store.queue.push(newJob());

  // It wants to have heard from the replica lately.
  await untilResult(() => group.sentinel.call('SENTINEL', 'FAILOVER', 'main').catch(() => undefined), Boolean);

  await untilResult(
    async () => String(await group.replica.call('INFO', 'replication')),
    (info) => info.includes('role:master'),
  );
  await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);
  t.true((await claimAll(store.queue)).length >= 2);
});

test('an address that leads to another Redis by now is followed when the old one takes no writes', async (t) => {
  const [old, young] = await Promise.all([startRedis(t), startRedis(t)]);
  let target = old.port;
  const sockets = new Set<Socket>();
  const address = createServer((socket) => {
    const behind = connect({ port: target, host: '127.0.0.1' });
    for (const end of [socket, behind]) sockets.add(end.on('error', () => {}));
    socket.pipe(behind).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(address, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    address.close();
  });
  const { port } = address.address() as AddressInfo; // it listens on a port
  const { store } = openStore(t, `redis://127.0.0.1:${port}`, PREFIX_OF_FIRST);
  await store.queue.push(newJob());

  target = young.port;
  await old.call('REPLICAOF', '127.0.0.1', young.port);

  t.regex((await storeFault(t, store.queue.push(newJob()))).message, /is a replica that accepts no writes$/);
  await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);
  t.is(await young.call('ZCARD', `{${PREFIX_OF_FIRST}}:waiting`), 1);
});

test('Sentinels that are away are told of within a second, and asked again', async (t) => {
  const group = await runGroup();
  t.teardown(() => group.stop());
  await group.sentinel.kill();
  const { store, lines } = openStore(t, group.url);

  const fault = await storeFault(t, store.queue.push(newJob()));

  t.regex(fault.message, /cannot be reached: All sentinels are unreachable/);
  await group.sentinel.restart();
  await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);
  t.is(lines.filter(({ message }) => message.includes('is back after')).length, 1);
  await group.sentinel.kill();
  await group.master.kill();
  const startedAtMs = performance.now();
  await store.close();
  t.true(performance.now() - startedAtMs < SOON_MS);
});

test('a Cluster whose master dies is told of within a second, and used again when a replica took over', async (t) => {
  const cluster = await runCluster({ replicas: 1 });
  t.teardown(() => cluster.stop());
  const [master] = cluster.nodes;
  const { store, lines } = openStore(t, cluster.url, PREFIX_OF_FIRST);
  let heard = 0;
  store.queue.onPush(() => heard++);
  const accepted = await Promise.all(Array.from({ length: 20 }, () => store.queue.push(newJob())));
  t.is(await master?.call('ZCARD', `{${PREFIX_OF_FIRST}}:waiting`), 20);
  await untilReplicated(master);
  await master?.kill();

  const fault = await storeFault(t, store.queue.push(newJob()));
  t.regex(fault.message, /^Redis Cluster 127\.0\.0\.1:\d+, .* (?:redirects too often|is a Cluster|did not reply)/);
  await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);

  const kept = new Set((await claimAll(store.queue)).map(({ id }) => id));
  t.deepEqual(
    accepted.filter((id) => !kept.has(id)),
    [],
  );
  t.true(lines.some(({ message }) => message.includes('is back after')));
  heard = 0;
  await store.queue.push(newJob());
  await until(() => heard > 0, 'a ring by another node');
});

test('a Cluster of which a part is down refuses, and works when it is whole again', async (t) => {
  const cluster = await runCluster();
  t.teardown(() => cluster.stop());
  const { store } = openStore(t, cluster.url, PREFIX_OF_FIRST);
  await store.queue.push(newJob());
  await cluster.nodes[2]?.kill();
  await untilResult(
    async () => String(await cluster.nodes[0]?.call('CLUSTER', 'INFO')),
    (info) => info.includes('cluster_state:fail'),
  );

  const fault = await storeFault(t, store.queue.push(newJob()));

  // By which of its nodes it was asked last.
  t.regex(
    fault.message,
    /(?:is a Cluster of which a part is down|redirects too often on the way to the node that has the keys|did not reply within 900 ms)$/,
  );
  await cluster.nodes[2]?.restart();
  await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);
});

test('a Cluster that is away as a whole is told of within a second, and found again', async (t) => {
  const cluster = await runCluster();
  t.teardown(() => cluster.stop());
  const { store } = openStore(t, cluster.url);
  let heard = 0;
  store.queue.onPush(() => heard++);
  await store.queue.push(newJob());
  await until(() => heard > 0, 'a ring');
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  await storeFault(t, store.queue.push(newJob()));

  await Promise.all(cluster.nodes.map((node) => node.restart()));
  await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);
  heard = 0;
  const ringing = setInterval(() => void store.queue.push(newJob()).catch(() => {}), 50);
  t.teardown(() => clearInterval(ringing));
  await until(() => heard > 0, 'a ring after the restart');
});

test('a Cluster that is away at the start is found when it comes, and closes when it does not', async (t) => {
  const cluster = await runCluster();
  t.teardown(() => cluster.stop());
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  const { store } = openStore(t, cluster.url);
  const { store: closed } = openStore(t, cluster.url);

  const fault = await storeFault(t, store.queue.push(newJob()));

  t.regex(fault.message, /^Redis Cluster .* has no reachable node$/);
  const startedAtMs = performance.now();
  await closed.close();
  t.true(performance.now() - startedAtMs < SOON_MS);
  await Promise.all(cluster.nodes.map((node) => node.restart()));
  await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);
});
