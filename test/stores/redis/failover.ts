import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test from 'ava';
import { CALL_TIMEOUT_MS } from '../../../src/contract/store.ts';
import { SOON_MS } from '../../helpers/patience.ts';
import { claimAll, newJob } from '../../helpers/prepare-store.ts';
import { runCluster } from '../../helpers/redis-cluster.ts';
import { runGroup, untilReplicated } from '../../helpers/redis-group.ts';
import { startRedis } from '../../helpers/redis-server.ts';
import { OUTAGE_CALL_MS, openStore } from '../../helpers/redis-store.ts';
import { storeFault } from '../../helpers/store-fault.ts';
import { until } from '../../helpers/until.ts';
import { untilResult } from '../../helpers/until-result.ts';

/** A prefix whose slot belongs to the first master. */
const PREFIX_OF_FIRST = 'site-0';

test('the store follows a failover by Sentinel without a restart, and jobs that the replica had are not lost', async (t) => {
  const group = await runGroup();
  t.teardown(() => group.stop());
  const { store, lines } = openStore(t, group.url, { callTimeoutMs: CALL_TIMEOUT_MS });
  let notified = 0;
  store.queue.onPush(() => notified++);
  const accepted = await Promise.all(Array.from({ length: 20 }, () => store.queue.push(newJob())));
  await untilReplicated(group.master);
  await group.master.kill();

  const fault = await storeFault(t, store.queue.push(newJob()));
  t.regex(fault.message, /^Redis "main" of the Sentinels 127\.0\.0\.1:\d+ cannot be reached: /);
  const later = await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);

  const kept = (await claimAll(store.queue)).map(({ id }) => id);
  t.deepEqual(kept, [...accepted, later]);
  t.is(lines.filter(({ message }) => message.includes('is back after')).length, 1);
  notified = 0;
  await store.queue.push(newJob());
  await until(() => notified > 0, 'a notification from the new master');
});

test('the store leaves a master that is demoted without a broken connection', async (t) => {
  const group = await runGroup();
  t.teardown(() => group.stop());
  const { store } = openStore(t, group.url, { callTimeoutMs: OUTAGE_CALL_MS });
  await store.queue.push(newJob());

  // A failover needs a recent acknowledgement of the replica.
  await untilResult(() => group.sentinel.call('SENTINEL', 'FAILOVER', 'main').catch(() => undefined), Boolean);

  await untilResult(
    async () => String(await group.replica.call('INFO', 'replication')),
    (info) => info.includes('role:master'),
  );
  await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);
  t.true((await claimAll(store.queue)).length >= 2);
});

test('the store resolves its address again when the old Redis accepts no writes', async (t) => {
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
  const { port } = address.address() as AddressInfo; // a TCP server has a port
  const { store } = openStore(t, `redis://127.0.0.1:${port}`, {
    prefix: PREFIX_OF_FIRST,
    callTimeoutMs: OUTAGE_CALL_MS,
  });
  await store.queue.push(newJob());

  target = young.port;
  await old.call('REPLICAOF', '127.0.0.1', young.port);

  t.regex((await storeFault(t, store.queue.push(newJob()))).message, /is a replica that accepts no writes$/);
  await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);
  t.is(await young.call('ZCARD', `{${PREFIX_OF_FIRST}}:waiting`), 1);
});

test('calls are rejected within a second when no Sentinel is reachable, and the store recovers', async (t) => {
  const group = await runGroup();
  t.teardown(() => group.stop());
  await group.sentinel.kill();
  const { store, lines } = openStore(t, group.url, { callTimeoutMs: OUTAGE_CALL_MS });

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

test('calls are rejected within a second when a master of a Cluster dies, and the store uses the new master', async (t) => {
  const cluster = await runCluster({ replicas: 1 });
  t.teardown(() => cluster.stop());
  const [master] = cluster.nodes;
  const { store, lines } = openStore(t, cluster.url, { prefix: PREFIX_OF_FIRST, callTimeoutMs: OUTAGE_CALL_MS });
  let notified = 0;
  store.queue.onPush(() => notified++);
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
  notified = 0;
  await store.queue.push(newJob());
  await until(() => notified > 0, 'a notification by another node');
});

test('calls are rejected when a part of a Cluster is down, and succeed when it is complete again', async (t) => {
  const cluster = await runCluster();
  t.teardown(() => cluster.stop());
  const { store } = openStore(t, cluster.url, { prefix: PREFIX_OF_FIRST, callTimeoutMs: OUTAGE_CALL_MS });
  await store.queue.push(newJob());
  await cluster.nodes[2]?.kill();
  await untilResult(
    async () => String(await cluster.nodes[0]?.call('CLUSTER', 'INFO')),
    (info) => info.includes('cluster_state:fail'),
  );

  const fault = await storeFault(t, store.queue.push(newJob()));

  // Which node is named depends on the last connection.
  t.regex(
    fault.message,
    /(?:is a Cluster of which a part is down|redirects too often on the way to the node that has the keys|did not reply within 4000 ms)$/,
  );
  await cluster.nodes[2]?.restart();
  await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);
});

test('calls are rejected within a second when a whole Cluster is unreachable, and the store recovers', async (t) => {
  const cluster = await runCluster();
  t.teardown(() => cluster.stop());
  const { store } = openStore(t, cluster.url, { callTimeoutMs: OUTAGE_CALL_MS });
  let notified = 0;
  store.queue.onPush(() => notified++);
  await store.queue.push(newJob());
  await until(() => notified > 0, 'a notification');
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  await storeFault(t, store.queue.push(newJob()));

  await Promise.all(cluster.nodes.map((node) => node.restart()));
  await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);
  notified = 0;
  const ringing = setInterval(() => void store.queue.push(newJob()).catch(() => {}), 50);
  t.teardown(() => clearInterval(ringing));
  await until(() => notified > 0, 'a notification after the restart');
});

test('a Cluster that is unreachable at the start is used when it is reachable, and the store closes if it never is', async (t) => {
  const cluster = await runCluster();
  t.teardown(() => cluster.stop());
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  const { store } = openStore(t, cluster.url, { callTimeoutMs: OUTAGE_CALL_MS });
  const { store: closed } = openStore(t, cluster.url, { callTimeoutMs: OUTAGE_CALL_MS });

  const fault = await storeFault(t, store.queue.push(newJob()));

  // On a machine under load the client gives up a connection before it has tried all nodes.
  t.regex(fault.message, /^Redis Cluster .* (?:has no reachable node|cannot be reached: Connection is closed\.)$/);
  const startedAtMs = performance.now();
  await closed.close();
  t.true(performance.now() - startedAtMs < SOON_MS);
  await Promise.all(cluster.nodes.map((node) => node.restart()));
  await untilResult(() => store.queue.push(newJob()).catch(() => undefined), Boolean);
});
