import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { connectTo, scriptedHop } from '../helpers/peer.ts';
import { startNexthop } from '../helpers/process.ts';

const READY = 'GET /.well-known/nexthop/ready HTTP/1.1\r\nHost: a\r\n\r\n';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} finishes the request in flight, answers with Connection: close, and exits with 0`, async (t) => {
    const release = Promise.withResolvers<void>();
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      await release.promise;
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const running = await startNexthop(t, { env: { NEXT_HOP: hop.url } });
    const client = await connectTo(t, running.port);
    client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    await hop.connections(1);

    running.child.kill(signal);
    await running.said(/finishing running requests and jobs/);
    release.resolve();

    t.regex(await client.readToEnd(), /^HTTP\/1\.1 200 [\s\S]*\r\nConnection: close\r\n[\s\S]*ok$/);
    t.is(await running.exited, 0);
    t.regex(await readFile(join(running.logDir, 'access.log'), 'utf8'), /"GET \/x HTTP\/1\.1"/);
  });
}

test('idle connections are closed at once and new ones are refused', async (t) => {
  const running = await startNexthop(t);
  const idle = await connectTo(t, running.port);
  idle.write(READY);
  await idle.readUntil('ready\n');

  running.child.kill('SIGTERM');

  await idle.readToEnd();
  t.is(await running.exited, 0);
});

test('a request that reaches an idle connection just after the drain began is answered, and the connection ends', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      await peer.readHead();
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readUntil('ok');

  const closed = edge.close();
  client.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 200 [\s\S]*\r\nConnection: close\r\n[\s\S]*ok$/);
  await t.notThrowsAsync(closed);
});

test('a response whose head was sent before the drain does not keep its connection open', async (t) => {
  const release = Promise.withResolvers<void>();
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab');
    await release.promise;
    peer.write('cd');
  });
  const running = await startNexthop(t, { env: { NEXT_HOP: hop.url } });
  const client = await connectTo(t, running.port);
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readUntil('ab');

  running.child.kill('SIGTERM');
  await running.said(/finishing running requests and jobs/);
  release.resolve();

  t.regex(await client.readToEnd(), /cd$/);
  t.is(await running.exited, 0);
});

test('during DRAIN_DELAY it is not ready and still answers requests', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const running = await startNexthop(t, { env: { NEXT_HOP: hop.url, DRAIN_DELAY: '10m' } });

  running.child.kill('SIGTERM');
  await running.said(/finishing running requests and jobs/);
  const ready = await fetch(`http://127.0.0.1:${running.port}/.well-known/nexthop/ready`);
  const answer = await fetch(`http://127.0.0.1:${running.port}/x`);

  t.is(ready.status, 503);
  t.is(await answer.text(), 'ok');
  t.is(answer.headers.get('connection'), 'close');
});

test('after DRAIN_DELAY it ends with 0', async (t) => {
  const running = await startNexthop(t, { env: { DRAIN_DELAY: '100ms' } });

  running.child.kill('SIGTERM');

  t.is(await running.exited, 0);
});

test('a request that is not finished within DRAIN_TIMEOUT is cut, and the exit code is 0', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const running = await startNexthop(t, { env: { NEXT_HOP: hop.url, DRAIN_TIMEOUT: '200ms' } });
  const client = await connectTo(t, running.port);
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await hop.connections(1);

  running.child.kill('SIGTERM');

  await client.until(() => client.closed !== undefined || client.ended, 'the cut');
  t.is(await running.exited, 0);
  t.regex(await readFile(join(running.logDir, 'error.log'), 'utf8'), /the drain timed out/);
});

test('two signals at the same time, as npm sends for Ctrl-C, count as one', async (t) => {
  const release = Promise.withResolvers<void>();
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    await release.promise;
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const running = await startNexthop(t, { env: { NEXT_HOP: hop.url } });
  const client = await connectTo(t, running.port);
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await hop.connections(1);

  running.child.kill('SIGINT');
  running.child.kill('SIGINT');
  await running.said(/finishing running requests and jobs/);
  release.resolve();

  t.regex(await client.readToEnd(), /ok$/);
  t.is(await running.exited, 0);
});

test('a second signal ends the process at once', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const running = await startNexthop(t, { env: { NEXT_HOP: hop.url, DRAIN_TIMEOUT: '1h' } });
  const client = await connectTo(t, running.port);
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await hop.connections(1);

  running.child.kill('SIGTERM');
  await running.said(/finishing running requests and jobs/);
  const repeating = setInterval(() => running.child.kill('SIGTERM'), 100);
  t.teardown(() => clearInterval(repeating));

  t.is(await running.exited, 143);
});
