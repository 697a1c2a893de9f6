import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { SiteError } from '../../src/contract/project.ts';
import { openTestEdge, type TestEdge, type TestEdgeOptions } from '../../src/embed/test-edge.ts';
import { listen } from '../helpers/listen.ts';
import { siteFolder } from '../helpers/site-folder.ts';

async function open(
  t: ExecutionContext,
  files: Record<string, string>,
  options: TestEdgeOptions = {},
): Promise<TestEdge> {
  const edge = await openTestEdge({ site: await siteFolder(t, files), ...options });
  t.teardown(() => edge.close());
  return edge;
}

const ECHO = {
  'cloud-functions/echo.js': `export const onRequest = async ({ request, clientIp }) => new Response(
    JSON.stringify([request.method, request.url, request.headers.get('x-a'), clientIp, request.body]),
    { status: 201, headers: [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2'], ['Content-Type', 'application/json']] });`,
  'cloud-functions/throws.js': `export const onRequest = () => { throw new Error('no database'); };`,
  'cloud-functions/none.js': 'export const onRequest = () => new Response(null, { status: 204 });',
  'public/style.css': 'a {}',
};

test('a function gets the request of fetch and its response is returned, without a port', async (t) => {
  const edge = await open(t, ECHO);

  const response = await edge.fetch('/echo?x=1', {
    method: 'POST',
    body: '{"b":2}',
    headers: { 'X-A': 'yes', 'Content-Type': 'application/json' },
  });

  t.is(response.status, 201);
  t.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2']);
  t.deepEqual(await response.json(), ['POST', 'http://localhost/echo?x=1', 'yes', '127.0.0.1', { b: 2 }]);
  t.is(await (await edge.fetch('/style.css')).text(), 'a {}');
  t.is((await edge.fetch('/none')).body, null);
  t.is((await edge.fetch('/style.css', { method: 'HEAD' })).status, 200);
});

test('a URL and a Request choose the host, and a trusted header the client', async (t) => {
  const edge = await open(t, ECHO);
  const headers = { 'True-Client-IP': '203.0.113.9' };

  const [, url, , clientIp] = (await (
    await edge.fetch(new Request('http://shop.example/echo', { headers }))
  ).json()) as string[];

  t.is(url, 'http://shop.example/echo');
  t.is(clientIp, '203.0.113.9');
});

test('many requests at once are answered, and large bodies pass in both directions', async (t) => {
  const edge = await open(
    t,
    {
      'cloud-functions/size.js':
        "export const config = { body: 'stream' }; export const onRequest = ({ request }) => new Response(request.body);",
    },
    { settings: { FUNCTION_BODY_LIMIT: '0' } },
  );
  const large = Buffer.alloc(3_000_000, 7);

  const answers = await Promise.all(
    Array.from({ length: 8 }, () => edge.fetch('/size', { method: 'POST', body: large })),
  );

  for (const answer of answers) t.true(large.equals(Buffer.from(await answer.arrayBuffer())));
});

test('a request that no route answers gets 404, or the answer of the hop', async (t) => {
  const plain = await open(t, ECHO);
  const hopped = await open(t, ECHO, {
    hop: async (request) => new Response(`${request.method} ${request.url} ${await request.text()}`, { status: 202 }),
  });

  const missing = await plain.fetch('/a');
  const answer = await hopped.fetch('/a?b', { method: 'PUT', body: 'c' });

  t.is(missing.status, 404);
  t.regex(await missing.text(), /no route of the site answers GET \/a, and openTestEdge has no hop/);
  t.is(answer.status, 202);
  t.is(await answer.text(), 'PUT http://localhost/a?b c');
});

test('the hop may be a server', async (t) => {
  const hop = await listen(
    t,
    createServer((request, response) => response.end(`${request.url} ${request.headers['x-a']}`)),
  );
  const edge = await open(t, ECHO, { hop });

  t.is(await (await edge.fetch('/from/hop', { headers: { 'X-A': '1' } })).text(), '/from/hop 1');
});

test('the error of a function is in the logs with its file, and mistakes of the site are in problems', async (t) => {
  const edge = await open(t, {
    ...ECHO,
    'cloud-functions/odd.js': 'export const onRequestGte = 1; export const onRequestGet = () => 1;',
  });

  t.is((await edge.fetch('/throws')).status, 500);

  const [line] = edge.logs.filter(({ details }) => details.target === 'cloud-functions/throws.js');
  t.like(line, { level: 'error', message: 'no database' });
  t.regex(edge.problems[0]?.message ?? '', /onRequestGte is not a handler of EdgeOne/);
});

test('background jobs run in jobs.run only, in the order in which they were pushed', async (t) => {
  const site = await siteFolder(t, {
    'netlify/functions/mail-background.mjs':
      "export default async (request) => { const text = await request.text(); if (text === 'bad') throw new Error('no address'); };",
    'netlify/functions/sweep.mjs':
      "export default () => { globalThis.swept = (globalThis.swept ?? 0) + 1; }; export const config = { schedule: '@daily' };",
  });
  const edge = await openTestEdge({ site });
  t.teardown(() => edge.close());

  for (const body of ['good', 'bad'])
    t.is((await edge.fetch('/.netlify/functions/mail-background', { method: 'POST', body })).status, 202);
  const [good, bad, ...more] = await edge.jobs.run();
  const [swept] = await edge.jobs.run('sweep');

  t.deepEqual(more, []);
  t.deepEqual(good, { name: 'netlify/mail-background', file: 'netlify/functions/mail-background.mjs', state: 'done' });
  t.like(bad, { state: 'failed', name: 'netlify/mail-background' });
  t.regex(bad?.reason ?? '', /no address/);
  t.like(swept, { name: 'netlify/sweep', state: 'done' });
  t.is(Reflect.get(globalThis, 'swept'), 1);
  t.deepEqual(await edge.jobs.run(), []);
  await t.throwsAsync(edge.jobs.run('swep'), {
    message: 'there is no job "swep"; there are netlify/mail-background, netlify/sweep',
  });
  t.false(existsSync(`${site}/.nexthop`), 'nothing is stored in the site');
});

test('the error of a function is printed with its place, as the console shows it with the test', async (t) => {
  const edge = await open(t, ECHO);
  const printed: unknown[] = [];
  const { error } = console;
  t.teardown(() => Object.assign(console, { error }));
  Object.assign(console, { error: (text: unknown) => printed.push(text) });

  await edge.fetch('/throws');

  const texts = printed.filter((text) => String(text).includes('no database'));
  t.is(texts.length, 1);
  t.regex(
    String(texts[0]),
    /^nexthop: GET \/throws 500: no database \(cloud-functions\/throws\.js:1:40\)\n {4}at onRequest \(.*throws\.js:1:40\)$/,
  );
});

test('errors have the place in the source, though a test runner formats stacks itself', async (t) => {
  const edge = await open(t, {
    'cloud-functions/fails.ts': `enum Kind { A = 'a' }
      export const onRequest = (): never => { throw new Error(Kind.A, { cause: new Error('inner') }); };`,
    'netlify/functions/mail-background.ts': `interface Mail { to: string }

      export default async () => { throw new Error('no address'); };`,
  });
  const { prepareStackTrace } = Error;
  t.teardown(() => Object.assign(Error, { prepareStackTrace }));
  // As those of vitest and jest do.
  Error.prepareStackTrace = (error, calls) => [error, ...calls.map((call) => `    at ${call}`)].join('\n');

  await edge.fetch('/fails');
  await edge.fetch('/.netlify/functions/mail-background', { method: 'POST' });
  const [job] = await edge.jobs.run();

  const { details = {} } = edge.logs.find(({ message }) => message === 'a') ?? {};
  t.like(details, { file: 'cloud-functions/fails.ts', line: 2 });
  const { stack, cause } = details.error as Error;
  t.regex(stack ?? '', /\/cloud-functions\/fails\.ts:2:/);
  t.regex((cause as Error).stack ?? '', /\/cloud-functions\/fails\.ts:2:/);
  t.regex(job?.reason ?? '', /\/netlify\/functions\/mail-background\.ts:3:/);
});

const REDIRECTS = {
  'cloud-functions/form.js': `export const onRequestPost = async ({ request }) => {
    const form = await request.formData();
    const [to, status] = [form.get('to'), Number(form.get('status'))];
    return new Response(null, { status, headers: { Location: to } }); };`,
  'cloud-functions/show.js': `export const onRequest = async ({ request }) =>
    new Response([request.method, request.url, request.headers.get('content-length'), await request.text()].join(' '));`,
  'cloud-functions/circle.js': `export const onRequest = () => Response.redirect('http://localhost/circle');`,
};

function toForm(to: string, status: number): RequestInit {
  return { method: 'POST', body: new URLSearchParams({ to, status: String(status) }) };
}

test('redirects are followed, or refused, when the test says so', async (t) => {
  const edge = await open(t, REDIRECTS);

  const manual = await edge.fetch('/form', toForm('/show', 303));
  const followed = await edge.fetch('/form', { ...toForm('/show?a#b', 303), redirect: 'follow' });
  const kept = await edge.fetch('/form', { ...toForm('/show', 307), redirect: 'follow' });

  t.deepEqual([manual.status, manual.headers.get('location'), manual.redirected], [303, '/show', false]);
  t.deepEqual([followed.url, followed.redirected], ['http://localhost/show?a', true]);
  t.is(await followed.text(), 'GET http://localhost/show?a  ');
  t.is(await kept.text(), 'POST http://localhost/show 21 to=%2Fshow&status=307');
  await t.throwsAsync(edge.fetch('/form', { ...toForm('/show', 302), redirect: 'error' }), {
    instanceOf: TypeError,
    message: /redirects to \/show/,
  });
  await t.throwsAsync(edge.fetch('/form', { ...toForm('https://pay.example/', 302), redirect: 'follow' }), {
    message: /redirects to https:\/\/pay\.example\/, which is not this site/,
  });
  await t.throwsAsync(edge.fetch('/circle', { redirect: 'follow' }), { message: /more than 20 redirects/ });
});

test('a request has the length of its body, the scheme of its URL, and a path that begins with two slashes', async (t) => {
  const edge = await open(t, REDIRECTS);

  t.is(await (await edge.fetch('/show', { method: 'PUT', body: 'ä' })).text(), 'PUT http://localhost/show 2 ä');
  t.is(await (await edge.fetch('https://shop.example/show')).text(), 'GET https://shop.example/show  ');
  t.is((await edge.fetch('//show/none')).url, 'http://localhost//show/none');
});

test('an aborted signal ends the request and its body with its reason', async (t) => {
  const edge = await open(t, {
    'cloud-functions/never.js': 'export const onRequest = () => new Promise(() => {});',
    'cloud-functions/drip.js': `export const onRequest = () =>
      new Response(new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(1)) }));`,
  });
  const [late, during] = [new AbortController(), new AbortController()];

  const pending = edge.fetch('/never', { signal: late.signal });
  late.abort(new Error('too late'));
  const response = await edge.fetch('/drip', { signal: during.signal });
  during.abort(new Error('enough'));

  await t.throwsAsync(pending, { message: 'too late' });
  await t.throwsAsync(response.text(), { message: 'enough' });
  await t.throwsAsync(edge.fetch('/drip', { signal: AbortSignal.abort(new Error('before')) }), { message: 'before' });
});

test('background jobs run though the test has set the clock', async (t) => {
  const edge = await open(t, {
    'netlify/functions/mail-background.mjs': 'export default async () => {};',
  });
  const { now } = Date;
  t.teardown(() => Object.assign(Date, { now }));
  Date.now = () => now() + 86_400_000;

  await edge.fetch('/.netlify/functions/mail-background', { method: 'POST' });

  t.like(await edge.jobs.run(), [{ state: 'done' }]);
});

test('a closed test edge says so', async (t) => {
  const edge = await open(t, ECHO);
  await edge.close();

  for (const call of [() => edge.fetch('/echo'), () => edge.jobs.run(), () => edge.listen()]) {
    await t.throwsAsync(call(), { message: 'this test edge is closed: call close() after the last test' });
  }
});

test('listen opens a port for other clients, and close ends it', async (t) => {
  const edge = await open(t, ECHO);

  const url = await edge.listen();
  t.is(await (await fetch(`${url}/style.css`)).text(), 'a {}');
  t.is(await edge.listen(), url);

  await Promise.all([edge.close(), edge.close()]);
  await t.throwsAsync(fetch(`${url}/style.css`));
});

test('an Express app, and a function that fails after its head, behave as on a port', async (t) => {
  const edge = await open(t, {
    'cloud-functions/app/[[default]].js': `import { createRequire } from 'node:module';
      const express = createRequire(${JSON.stringify(import.meta.url)})('express');
      const app = express(); app.get('/hi', (request, response) => response.send('hi ' + request.ip)); export default app;`,
    'cloud-functions/cut.js': `export const onRequestGet = () => new Response(new ReadableStream({ start(stream) {
        stream.enqueue(new Uint8Array(9)); globalThis.cut = () => stream.error(new Error('cut')); } }));
      export const onRequestDelete = () => { globalThis.cut(); return 1; };`,
  });

  t.is(await (await edge.fetch('/app/hi')).text(), 'hi 127.0.0.1');
  const response = await edge.fetch('/cut');
  await edge.fetch('/cut', { method: 'DELETE' });
  await t.throwsAsync(response.text());
});

test('a site that cannot be read rejects with what to do', async (t) => {
  await t.throwsAsync(openTestEdge({ site: '/no/such/site' }), { instanceOf: SiteError, message: /does not exist/ });
});
