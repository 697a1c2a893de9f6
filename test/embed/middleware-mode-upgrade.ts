import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { WebSocketServer } from 'ws';
import { HOSTS, type Host, startHost } from '../helpers/host-servers.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { connectWebSocket } from '../helpers/web-socket-client.ts';

const TALK = {
  'cloud-functions/talk.js':
    'export function onRequest() { return { websocket: { onmessage(ws, message) { ws.send("function got " + message); } } }; }',
  'cloud-functions/plain.js': 'export function onRequest() { return new Response("plain"); }',
};
const HANDSHAKE =
  'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/** A host that opens the WebSockets that the site does not open. */
async function startHostWithWebSockets(t: ExecutionContext): Promise<Host & { readonly own: WebSocketServer }> {
  const host = await startHost(t, HOSTS['Express 5'], { site: await siteFolder(t, TALK) });
  const own = new WebSocketServer({ noServer: true });
  host.server.on('upgrade', (request, socket: Socket, head) => {
    void host.middleware.upgrade(request, socket, head, (rest) => {
      own.handleUpgrade(request, socket, rest, (webSocket) => {
        webSocket.on('message', (data) => webSocket.send(`host got ${data} at ${request.url}`));
      });
    });
  });
  return { ...host, own };
}

test('a function opens its WebSocket, all others are passed to the host', async (t) => {
  const { url } = await startHostWithWebSockets(t);

  const functions = await connectWebSocket(t, `${url}/talk`);
  functions.socket.send('a');
  t.is(await functions.next(), 'function got a');

  const hosts = await connectWebSocket(t, `${url}/own?b`);
  hosts.socket.send('b');
  t.is(await hosts.next(), 'host got b at /own?b');
});

test('the host gets bytes that a client sends directly after its handshake', async (t) => {
  const host = await startHostWithWebSockets(t);
  const peer = await host.connect();

  // A masked frame of one letter, with a mask of zeros.
  peer.write(`GET /own HTTP/1.1\r\n${HANDSHAKE}\x81\x81\x00\x00\x00\x00x`);

  await peer.readUntil('host got x at /own');
  t.pass();
});

test('an upgrade that a function answers with a Response is refused with it', async (t) => {
  const host = await startHostWithWebSockets(t);

  t.regex(await host.exchange(`GET /plain HTTP/1.1\r\n${HANDSHAKE}`), /^HTTP\/1\.1 200 [\s\S]*plain/);
});

test('a slow client gets the whole response that refuses its upgrade', async (t) => {
  const bytes = 16 * 1024 * 1024;
  const site = await siteFolder(t, {
    'cloud-functions/large.js': `const chunk = Buffer.alloc(64 * 1024, 'x');
      export function onRequest() {
        let left = ${bytes / (64 * 1024)};
        const pull = (controller) => (left-- > 0 ? controller.enqueue(chunk) : controller.close());
        return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers: { 'Content-Length': '${bytes}' } });
      }`,
  });
  const host = await startHost(t, HOSTS['Express 5'], { site });
  host.server.on('upgrade', (request, socket: Socket, head) => void host.middleware.upgrade(request, socket, head));
  const peer = await host.connect();
  peer.write(`GET /large HTTP/1.1\r\n${HANDSHAKE}`);
  await peer.readHead();

  peer.socket.pause();
  await new Promise((resolve) => setImmediate(resolve));
  peer.socket.resume();

  t.is((await peer.readBytes(bytes)).length, bytes);
});

test('without next, an upgrade that no function opens and one to another protocol get 404', async (t) => {
  const host = await startHost(t, HOSTS['Express 5'], { site: await siteFolder(t, TALK) });
  host.server.on('upgrade', (request, socket: Socket, head) => void host.middleware.upgrade(request, socket, head));

  t.regex(await host.exchange(`GET /own HTTP/1.1\r\n${HANDSHAKE}`), /^HTTP\/1\.1 404 .*not_found/s);
  t.regex(
    await host.exchange('GET /own HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'),
    /^HTTP\/1\.1 404 /,
  );
});

test('an upgrade to another protocol is passed to the host immediately', async (t) => {
  const host = await startHostWithWebSockets(t);
  host.server.removeAllListeners('upgrade');
  const seen: unknown[] = [];
  host.server.on('upgrade', (request, socket: Socket, head) => {
    void host.middleware.upgrade(request, socket, head, (rest) => {
      seen.push(request.headers.upgrade, String(rest), socket.listenerCount('error'));
      socket.end();
    });
  });

  await host.exchange('GET /talk HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\nearly');

  t.deepEqual(seen, ['own', 'early', 0]);
});

test('a connection that is passed to the host has no listeners of nexthop', async (t) => {
  const host = await startHost(t, HOSTS['Express 5'], { site: await siteFolder(t, TALK) });
  const server: Server = host.server;
  const counts = (socket: Socket) =>
    ['error', 'close', 'end', 'data', 'finish'].map((name) => socket.listenerCount(name));
  const passed = new Promise((resolve) => {
    server.on('upgrade', (request, socket: Socket, head) => {
      const before = counts(socket);
      void host.middleware.upgrade(request, socket, head, () => {
        resolve([before, counts(socket), socket.isPaused()]);
        socket.destroy();
      });
    });
  });
  const peer = await host.connect();

  peer.write(`GET /own HTTP/1.1\r\n${HANDSHAKE}`);

  const [before, after] = (await passed) as [number[], number[]];
  t.deepEqual(after, before);
});

test('open WebSockets are closed with the middleware, and later ones are refused', async (t) => {
  const host = await startHostWithWebSockets(t);
  const { socket, closed } = await connectWebSocket(t, `${host.url}/talk`);
  socket.send('a');

  const over = host.middleware.close();

  t.regex(await closed, /^1001 /);
  await over;
  t.regex(await host.exchange(`GET /own HTTP/1.1\r\n${HANDSHAKE}`), /^HTTP\/1\.1 503 /);
});

test('the middleware still opens WebSockets after a client left before its upgrade was decided', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/slow.js':
      'export async function onRequest() { globalThis.upgradeAsked?.(); await new Promise((resolve) => setTimeout(resolve, 50)); return { websocket: {} }; }',
  });
  const host = await startHost(t, HOSTS['Express 5'], { site });
  host.server.on(
    'upgrade',
    (request, socket: Socket, head) => void host.middleware.upgrade(request, socket, head, () => {}),
  );
  const asked = new Promise<void>((resolve) => {
    (globalThis as { upgradeAsked?: () => void }).upgradeAsked = resolve;
  });
  const peer = await host.connect();
  peer.write(`GET /slow HTTP/1.1\r\n${HANDSHAKE}`);
  await asked;

  peer.reset();
  await once(peer.socket, 'close');

  await t.notThrowsAsync(host.middleware.close());
});
