import { createServer } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import httpProxy from 'http-proxy';
import { startEdge } from '../helpers/edge.ts';
import { listen } from '../helpers/listen.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { connectWebSocket } from '../helpers/web-socket-client.ts';

const SITE = {
  'cloud-functions/hello.js': 'export const onRequest = () => new Response("hello");',
  'cloud-functions/echo.js':
    'export const onRequest = () => ({ websocket: { onmessage: (ws, data) => ws.send(String(data)) } });',
};

/** A module of the chain in front of nexthop, which forwards with http-proxy over kept-alive connections. Resolves with its URL. */
async function startProxy(t: ExecutionContext, target: string): Promise<string> {
  const proxy = httpProxy.createProxyServer({ target, ws: true });
  const server = createServer((request, response) => proxy.web(request, response));
  server.on('upgrade', (request, socket, head) => proxy.ws(request, socket, head));
  return listen(t, server);
}

/** The next hop: answers with the body that it received. */
async function startHop(t: ExecutionContext): Promise<string> {
  const server = createServer((request, response) => request.pipe(response));
  return listen(t, server);
}

test('behind http-proxy, a function answers, a body is forwarded, and a function opens a WebSocket', async (t) => {
  const edge = await startEdge(t, { site: await siteFolder(t, SITE), env: { NEXT_HOP: await startHop(t) } });
  const url = await startProxy(t, edge.url);
  const body = 'x'.repeat(100_000);

  t.is(await (await fetch(`${url}/hello`)).text(), 'hello');
  t.is(await (await fetch(`${url}/any`, { method: 'POST', body })).text(), body);
  const client = await connectWebSocket(t, `${url}/echo`);
  client.socket.send('through two proxies');
  t.is(await client.next(), 'through two proxies');
});
