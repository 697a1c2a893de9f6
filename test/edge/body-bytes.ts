import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { getRaw } from '../helpers/coding-origin.ts';
import { startEdge } from '../helpers/edge.ts';
import { scriptedHop } from '../helpers/peer.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const FILES = {
  'public/file.txt': 'a file',
  'cloud-functions/text.js': "export const onRequest = () => new Response('täxt');",
  'cloud-functions/json.js': 'export const onRequest = () => ({ a: 1 });',
  'cloud-functions/bytes.js': 'export const onRequest = () => new Response(new Uint8Array(10_000));',
  'cloud-functions/stream.js': "export const onRequest = () => new Response(ReadableStream.from(['a', 'bc', 'def']));",
  'cloud-functions/socket.js': 'export const onRequest = () => ({ websocket: {} });',
  'cloud-functions/fails.js': "export const onRequest = () => { throw new Error('on purpose'); };",
  'cloud-functions/hono/[[default]].js': `import { Hono } from 'hono'; export default new Hono().get('*', (c) => c.html('<p>hono</p>'));`,
  'cloud-functions/fastify/[[default]].js': `import fastify from 'fastify'; const app = fastify(); app.get('*', async () => 'fastify'); export default app;`,
  'cloud-functions/express/[[default]].js': `import express from 'express'; const app = express();
    app.get('/json', (request, response) => response.json({ a: 1 })); app.get('/file', (request, response) => response.sendFile(process.env.FILE)); export default app;`,
  'netlify/functions/lambda.mjs':
    "export const handler = async () => ({ statusCode: 200, body: 'AAEC', isBase64Encoded: true });",
};

test('response_body_bytes is the length of the body for every kind of response, and 0 for HEAD', async (t) => {
  const site = await siteFolder(t, FILES);
  await symlink(join(import.meta.dirname, '../../node_modules'), join(site, 'node_modules'));
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      const head = await peer.readHead();
      const body = head.startsWith('HEAD') ? '' : 'from the hop';
      peer.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\n${body}`);
    }
  });
  const edge = await startEdge(t, {
    site,
    env: { NEXT_HOP: hop.url, READY_PATH: '/ready', FILE: join(site, 'public/file.txt') },
  });

  const paths = [
    ...['/file.txt', '/text', '/json', '/bytes', '/stream', '/socket', '/fails', '/hono/a', '/fastify/a'],
    ...['/express/json', '/express/file', '/express/none', '/.netlify/functions/lambda', '/ready', '/hop'],
  ];
  let count = 0;
  for (const method of ['GET', 'HEAD']) {
    for (const path of paths) {
      const { body, headers } = await getRaw(`${edge.url}${path}`, { method });
      const line = (await edge.accessLines(++count)).at(-1);
      t.is(line?.response_body_bytes, String(body.length), `${method} ${path}`);
      t.is(line?.content_type, headers['content-type'] ?? '', `${method} ${path}`);
      if (method === 'GET') t.true(body.length > 0, path);
    }
  }
});
