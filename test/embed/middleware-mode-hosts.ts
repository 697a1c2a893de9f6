import { createHash } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { HOSTS, type LogLine, recordLog, startHost } from '../helpers/host-servers.ts';
import { project } from '../helpers/project.ts';

const SITE = {
  'public/hello.txt': 'a file',
  'cloud-functions/echo.js':
    'export async function onRequest({ request }) { return new Response("echo " + new URL(request.url).pathname + " " + (await request.text()).length, { headers: { "X-Function": "yes" } }); }',
  'cloud-functions/throws.js': 'export function onRequest() { throw new Error("secret"); }',
  'cloud-functions/app/[[default]].js':
    'import express from "express"; const app = express(); app.get("/in", (q, s) => s.json({ from: "express" })); export default app;',
  'netlify/functions/hi.mjs': 'export default async () => new Response("netlify");',
};

/** A body of 8 MiB, which is compared completely. */
const BODY = Buffer.alloc(8 * 1024 ** 2, 'the whole of this body has to come through ');

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function toSite(t: ExecutionContext): Promise<string> {
  return (await project(t, SITE)).root;
}

for (const [name, toListener] of Object.entries(HOSTS)) {
  test(`${name}: functions and files answer with all their headers`, async (t) => {
    const { url } = await startHost(t, toListener, { site: await toSite(t) });

    const echo = await fetch(`${url}/echo?a=1`, { method: 'POST', body: BODY.subarray(0, 100_000) });
    t.is(await echo.text(), 'echo /echo 100000');
    t.is(echo.headers.get('x-function'), 'yes');
    t.truthy(echo.headers.get('x-request-id'));

    const netlify = await fetch(`${url}/.netlify/functions/hi`);
    t.is(await netlify.text(), 'netlify');

    const app = await fetch(`${url}/app/in`);
    t.deepEqual(await app.json(), { from: 'express' });

    const file = await fetch(`${url}/hello.txt`);
    t.is(await file.text(), 'a file');
    const again = await fetch(`${url}/hello.txt`, { headers: { 'If-None-Match': file.headers.get('etag') ?? '' } });
    t.is(again.status, 304);
    const head = await fetch(`${url}/hello.txt`, { method: 'HEAD' });
    t.is(head.headers.get('content-length'), '6');
  });

  test(`${name}: a request without a route is passed to the host, with an unread body of 8 MiB`, async (t) => {
    const { url } = await startHost(t, toListener, { site: await toSite(t) });

    const answer = await fetch(`${url}/other?b`, { method: 'POST', body: BODY });

    t.is(await answer.text(), `host POST /other?b ${sha256(BODY)}`);
    t.is(answer.headers.get('x-host'), 'yes');
    t.is(answer.headers.get('x-request-id'), null);
  });

  test(`${name}: a fault of a function gets the same response as in the server, and is logged`, async (t) => {
    const logged: LogLine[] = [];
    const { url } = await startHost(t, toListener, { site: await toSite(t), log: recordLog(logged) });

    const answer = await fetch(`${url}/throws`);

    t.is(answer.status, 500);
    t.like(await answer.json(), { status: 500, code: 'function_error' });
    t.like(logged.at(-1), { code: 'function_error', request: 'GET /throws', target: 'cloud-functions/throws.js' });
  });

  test(`${name}: 200 requests on one connection leak no listener`, async (t) => {
    const { connect } = await startHost(t, toListener, { site: await toSite(t) });
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on('warning', note);
    t.teardown(() => process.off('warning', note));
    const peer = await connect();

    for (let count = 0; count < 200; count++) {
      const [path, body] =
        [
          ['/echo', 'echo /echo 0'],
          ['/hello.txt', 'a file'],
          ['/other', `host GET /other ${sha256(Buffer.alloc(0))}`],
        ][count % 3] ?? [];
      peer.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await peer.readUntil(body ?? '');
    }

    t.deepEqual(
      warnings.filter(({ name }) => name.startsWith('MaxListeners')),
      [],
    );
  });
}
