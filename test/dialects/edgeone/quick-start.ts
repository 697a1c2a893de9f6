import test from 'ava';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';

// The files of the platform's page, unchanged.
const HELLO = `// ./cloud-functions/api/hello.js
export default function onRequest(context) {
return new Response('Hello from Node.js!');
}
`;
const NODE_INFO = `// ./cloud-functions/api/nodeinfo.js
import * as os from 'node:os'
import { randomUUID, createHash } from 'node:crypto'

export const onRequestGet = async ({ request }) => {
const info = {
nodeVersion: process.version,
pid: process.pid,
platform: os.platform(),
url: request.url,
}

return new Response(JSON.stringify(info), {
status: 200,
headers: { 'Content-Type': 'application/json; charset=UTF-8' },
})
}
`;
const EXPRESS = `// ./cloud-functions/express/[[default]].js
import express from "express";
const app = express();

// Add log middleware
app.use((req, res, next) => {
console.log(\`[\${new Date().toISOString()}] \${req.method} \${req.url}\`);
next();
});

app.get("/", (req, res) => {
res.json({ message: "Hello from Express on Node.js!" });
});

app.get("/users/:id", (req, res) => {
const { id } = req.params;
res.json({ userId: id, message: \`Fetched user \${id}\` });
});

// Export the express instance
export default app;
`;
const USERS = `// ./cloud-functions/api/users/index.js
export function onRequestGet(context) {
return new Response(JSON.stringify({ users: [] }), {
headers: { 'Content-Type': 'application/json' },
});
}

export function onRequestPost(context) {
return context.request.json().then(data => {
return new Response(JSON.stringify({ message: 'Created', data }), {
status: 201,
headers: { 'Content-Type': 'application/json' },
});
});
}

export function onRequestDelete(context) {
return new Response(null, { status: 204 });
}
`;
const USER = `// ./cloud-functions/api/users/[id].js
export function onRequestGet(context) {
return new Response(\`User id is \${context.params.id}\`);
}
`;
const SEARCH = `// ./cloud-functions/api/search.js
export function onRequestGet(context) {
const url = new URL(context.request.url);
const name = url.searchParams.get('name') || 'EmbeddedEdge';

return new Response(JSON.stringify({ hello: name }), {
headers: { 'Content-Type': 'application/json' },
});
}
`;
const FILES = {
  'cloud-functions/api/hello.js': HELLO,
  'cloud-functions/api/nodeinfo.js': NODE_INFO,
  'cloud-functions/express/[[default]].js': EXPRESS,
  'cloud-functions/api/users/index.js': USERS,
  'cloud-functions/api/users/[id].js': USER,
  'cloud-functions/api/search.js': SEARCH,
};

test('every file of the quick start has a route, and no problem is reported', async (t) => {
  const { reading } = await serveDialect(t, edgeone, FILES);

  t.deepEqual(reading.problems, []);
  t.deepEqual(reading.ignored, []);
  t.deepEqual(reading.routes.map(({ pattern }) => pattern.text).sort(), [
    '/api/hello',
    '/api/nodeinfo',
    '/api/search',
    '/api/users',
    '/api/users/:id',
    '/express',
    '/express/*default',
  ]);
});

test('the first function of the quick start answers', async (t) => {
  const { url } = await serveDialect(t, edgeone, FILES);

  const response = await fetch(`${url}/api/hello`);

  t.is(response.status, 200);
  t.is(await response.text(), 'Hello from Node.js!');
});

test('the second function gets the version of Node and the requested URL', async (t) => {
  const { url } = await serveDialect(t, edgeone, FILES);

  const response = await fetch(`${url}/api/nodeinfo?x=1`);

  const info = (await response.json()) as Record<string, unknown>;
  t.is(response.headers.get('content-type'), 'application/json; charset=UTF-8');
  t.is(info.nodeVersion, process.version);
  t.is(info.url, `${url}/api/nodeinfo?x=1`);
});

test('the Express app of the quick start answers in its folder and below it', async (t) => {
  const { url } = await serveDialect(t, edgeone, FILES);

  const root = await fetch(`${url}/express`);
  const user = await fetch(`${url}/express/users/7?y=2`);

  t.deepEqual(await root.json(), { message: 'Hello from Express on Node.js!' });
  t.deepEqual(await user.json(), { userId: '7', message: 'Fetched user 7' });
});

test('methods, parameters and queries work as the page shows them', async (t) => {
  const { url } = await serveDialect(t, edgeone, FILES);

  const created = await fetch(`${url}/api/users/`, { method: 'POST', body: '{"a":1}' });
  const deleted = await fetch(`${url}/api/users`, { method: 'DELETE' });
  const user = await fetch(`${url}/api/users/1024`);
  const search = await fetch(`${url}/api/search?name=Ada`);

  t.is(created.status, 201);
  t.deepEqual(await created.json(), { message: 'Created', data: { a: 1 } });
  t.is(deleted.status, 204);
  t.is(await user.text(), 'User id is 1024');
  t.deepEqual(await search.json(), { hello: 'Ada' });
});
