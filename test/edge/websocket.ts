import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { scriptedHop } from '../helpers/peer.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { handshake, switching } from '../helpers/tunnel-server.ts';
import { connectWebSocket } from '../helpers/web-socket-client.ts';
import { closeMark, frame } from '../helpers/web-socket-frame.ts';

const ECHO = `export const onRequest = () => ({
  websocket: { onmessage: (ws, data, isBinary) => ws.send(data, { binary: isBinary }) },
});`;

/** The handshake of tunnel-server.ts for another path, with the version header that a function's WebSocket requires. */
function handshakeTo(path: string, ...lines: string[]): string {
  return handshake('Sec-WebSocket-Version: 13', ...lines).replace('/chat', path);
}

test('a function opens a WebSocket, and one access line is written', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/echo.js': ECHO });
  const edge = await startEdge(t, { site });
  const client = await connectWebSocket(t, `${edge.url}/echo`);

  client.socket.send('hello');
  t.is(await client.next(), 'hello');
  client.socket.send(Buffer.from([0, 255]));
  t.is(await client.next(), '\0\xff');
  client.socket.close(1000, 'done');
  t.is(await client.closed, '1000 done');

  const [line, ...more] = await edge.accessLines(1);
  t.like(line, { status: '101', request: 'GET /echo HTTP/1.1', route: '/echo', target: 'cloud-functions/echo.js' });
  t.like(line, { fault: '', upstream_status: '' });
  t.deepEqual(more, []);
});

test('the bytes in the access line are the bytes that were sent', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/echo.js': ECHO });
  const edge = await startEdge(t, { site });
  const client = await edge.connect();
  client.write(handshakeTo('/echo'));
  await client.readHead();
  client.write(frame({ kind: 'text', payload: 'x'.repeat(1000) }));
  await client.until(() => client.rest.length >= 1004);

  client.write(frame({ kind: 'close', payload: closeMark(1000) }));
  await client.readToEnd();

  const [line] = await edge.accessLines(1);
  t.is(Number(line?.bytes), client.received.length);
});

test('a handshake that no function accepts is forwarded to the hop, with the bytes after it', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(switching());
    peer.write(await peer.readBytes(5));
  });
  const site = await siteFolder(t, {
    'cloud-functions/echo.js': ECHO,
    'cloud-functions/post.js': 'export const onRequestPost = () => new Response();',
    'cloud-functions/app/[[x]].js': 'export default { fetch: () => new Response("app") };',
    'public/file.txt': 'a file',
  });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url } });

  for (const path of ['/other', '/post', '/app/live', '/file.txt']) {
    const client = await edge.connect();
    client.write(`${handshakeTo(path)}early`);

    t.regex(await client.readHead(), /^HTTP\/1\.1 101 /, path);
    t.is(await client.readBytes(5), 'early');
    client.end();
  }
});

test('data that a client sends together with its handshake reaches the function', async (t) => {
  const late = `const echo = (ws, data) => ws.send(String(data));
    export const onRequestGet = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return { websocket: { onmessage: echo } };
    };`;
  const edge = await startEdge(t, { site: await siteFolder(t, { 'cloud-functions/late.js': late }) });
  const client = await edge.connect();

  client.write(handshakeTo('/late') + frame({ kind: 'text', payload: 'early' }));

  await client.readHead();
  t.is(await client.readBytes(7), '\x81\x05early');
});

test('tunnels and WebSockets of functions share one limit', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(switching());
  });
  const site = await siteFolder(t, { 'cloud-functions/echo.js': ECHO });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url, MAX_TUNNELS: '2' } });
  const opened = await connectWebSocket(t, `${edge.url}/echo`);
  const tunnel = await edge.connect();
  tunnel.write(handshakeTo('/other'));
  await tunnel.readHead();

  for (const path of ['/echo', '/other']) {
    const client = await edge.connect();
    client.write(handshakeTo(path));
    t.regex(await client.readHead(), /^HTTP\/1\.1 503 [\s\S]*\r\nRetry-After: 1\r\n/, path);
  }
  opened.socket.close();
  await edge.accessLines(3);

  await t.notThrowsAsync(connectWebSocket(t, `${edge.url}/echo`));
});

test('a drain closes every WebSocket with 1001 and ends with the last', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/echo.js': ECHO });
  const edge = await startEdge(t, { site, env: { DRAIN_TIMEOUT: '60s' } });
  const clients = await Promise.all([1, 2, 3].map(() => connectWebSocket(t, `${edge.url}/echo`)));

  const drained = edge.close();

  for (const { closed } of clients) t.is(await closed, '1001 the server is shutting down');
  await t.notThrowsAsync(drained);
});

test('a client that does not close is cut at the end of the drain', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/echo.js': ECHO });
  const edge = await startEdge(t, { site, env: { DRAIN_TIMEOUT: '100ms' } });
  const client = await edge.connect();
  client.write(handshakeTo('/echo'));
  await client.readHead();

  await edge.close();

  t.true((await client.readToEnd()).startsWith(`\x88\x1d${closeMark(1001)}`));
});

test('a drain waits for the work of a function after its socket is closed', async (t) => {
  const slow = `export const onRequest = () => ({ websocket: {
    onclose: () => new Promise((resolve) => setTimeout(resolve, 100)).then(() => { globalThis.isSaved = true; }),
  } });`;
  const edge = await startEdge(t, { site: await siteFolder(t, { 'cloud-functions/slow.js': slow }) });
  await connectWebSocket(t, `${edge.url}/slow`);

  await edge.close();

  t.true(Reflect.get(globalThis, 'isSaved'));
  Reflect.deleteProperty(globalThis, 'isSaved');
});

test('a socket without traffic is closed', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/echo.js': ECHO });
  const edge = await startEdge(t, { site, env: { TUNNEL_IDLE_TIMEOUT: '100ms' } });

  const client = await connectWebSocket(t, `${edge.url}/echo`);

  t.is(await client.closed, '1001 no data was sent or received within the idle timeout');
});

test('a socket without traffic is not closed by timeouts of requests', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/echo.js': ECHO });
  const env = { CLIENT_IDLE_TIMEOUT: '100ms', KEEP_ALIVE_TIMEOUT: '100ms' };
  const edge = await startEdge(t, { site, env });
  const client = await connectWebSocket(t, `${edge.url}/echo`);

  // Resolves when the keep-alive timeout closes this connection.
  await edge.exchange('GET /.well-known/nexthop/ready HTTP/1.1\r\nHost: a\r\n\r\n');
  client.socket.send('still here');

  t.is(await client.next(), 'still here');
});

test('a callback that fails closes the socket with 1011, and error.log has its error once', async (t) => {
  const bad = `export const onRequest = () => ({ websocket: {
    async onmessage(ws, data) { throw new Error(String(data)); },
  } });`;
  const edge = await startEdge(t, { site: await siteFolder(t, { 'cloud-functions/bad.js': bad }) });
  const client = await connectWebSocket(t, `${edge.url}/bad`);

  client.socket.send('first');
  client.socket.send('second');

  t.is(await client.closed, '1011 Internal error');
  t.like((await edge.accessLines(1))[0], { status: '101', fault: 'function_error' });
  await edge.close();
  const failures = (await edge.errorLines()).filter(({ code }) => code === 'function_error');
  t.is(failures.length, 1);
  t.regex(JSON.stringify(failures[0]), /"message":"first"/);
});

test('a middleware can refuse WebSockets of functions and of the hop', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(switching());
  });
  const guard = `export const middleware = ({ request, next }) =>
    request.headers.get('cookie') === 'key=1' ? next() : new Response('who are you?', { status: 401 });`;
  const site = await siteFolder(t, { 'cloud-functions/echo.js': ECHO, 'middleware.js': guard });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url } });

  for (const path of ['/echo', '/other']) {
    const client = await edge.connect();
    client.write(handshakeTo(path));
    t.regex(await client.readUntil('who are you?'), /^HTTP\/1\.1 401 /, path);
    client.write(handshakeTo(path, 'Cookie: key=1'));
    t.regex(await client.readHead(), /^HTTP\/1\.1 101 /, path);
    client.end();
  }
  t.is(hop.peers.length, 1);
});
