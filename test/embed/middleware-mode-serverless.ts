import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { astroSite } from '../helpers/astro-site.ts';
import { answerAsHost, express, openMiddleware } from '../helpers/host-servers.ts';
import { project } from '../helpers/project.ts';
import { untilResult } from '../helpers/until-result.ts';

const require = createRequire(import.meta.url);

/** The used part of an adapter's result. */
interface Result {
  readonly statusCode: number;
  readonly body: string;
}

type Handler = (event: object, context: object) => Promise<Result>;

/**
 * Each adapter builds request and response from an event, without a parser or a connection.
 */
const ADAPTERS: Readonly<Record<string, (app: RequestListener) => Handler>> = {
  'serverless-http': (app) => require('serverless-http')(app),
  '@codegenie/serverless-express': (app) => require('@codegenie/serverless-express').configure({ app }),
};

const SITE = {
  'public/hello.txt': 'a file',
  'netlify/functions/hi.mjs': `
    export default async (request, { ip }) => Response.json([request.url, await request.text(), ip, request.headers.get('x-forwarded-for')]);`,
  'cloud-functions/stream.js': `
    export function onRequest() {
      const chunks = ['a', 'b', 'c'].map((text) => new TextEncoder().encode(text));
      return new Response(new ReadableStream({ pull: (c) => (chunks.length ? c.enqueue(chunks.shift()) : c.close()) }));
    }`,
  'cloud-functions/app/[[default]].js': `
    import express from 'express';
    const app = express();
    app.post('/in', express.json(), (request, response) => response.json(request.body));
    export default app;`,
};

interface Asked {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An event of API Gateway (REST). */
function event(path: string, { method = 'GET', body, headers = {} }: Asked): object {
  const fields = { host: 'a.example', ...(body && { 'content-type': 'application/json' }), ...headers };
  return {
    resource: '/',
    httpMethod: method,
    path,
    headers: fields,
    multiValueHeaders: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [value]])),
    body: body ?? '',
    isBase64Encoded: false,
    requestContext: { identity: { sourceIp: '192.0.2.7' } },
  };
}

async function serve(t: ExecutionContext, adapt: (app: RequestListener) => Handler, site: string) {
  const settings = { LOG_DIR: join(site, 'log'), DRAIN_TIMEOUT: '50s' };
  const middleware = await openMiddleware(t, { site, settings });
  const app = express();
  app.use(middleware);
  app.use(answerAsHost);
  const handler = adapt(app);
  const ask = (path: string, asked: Asked = {}) => handler(event(path, asked), {});
  return { middleware, ask, logFile: join(site, 'log', 'access.log') };
}

for (const [name, adapt] of Object.entries(ADAPTERS)) {
  test(`${name}: functions, apps and files answer a request that was built from an event`, async (t) => {
    const { ask } = await serve(t, adapt, (await project(t, SITE)).root);
    const post = { method: 'POST', body: '{"a":1}' };

    t.like(await ask('/hello.txt'), { statusCode: 200, body: 'a file' });
    t.like(await ask('/stream'), { statusCode: 200, body: 'abc' });
    t.like(await ask('/app/in', post), { statusCode: 200, body: '{"a":1}' });
    const { body } = await ask('/.netlify/functions/hi', post);
    t.deepEqual(JSON.parse(body), ['https://a.example/.netlify/functions/hi', '{"a":1}', '192.0.2.7', '192.0.2.7']);
  });

  test(`${name}: a request without a route is passed to the host with its body`, async (t) => {
    const { ask } = await serve(t, adapt, (await project(t, SITE)).root);

    t.regex((await ask('/other', { method: 'POST', body: '{}' })).body, /^host POST \/other 44136fa355b3678a/);
  });

  test(`${name}: trust headers of the event are checked like those of a connection`, async (t) => {
    const { ask } = await serve(t, adapt, (await project(t, SITE)).root);
    const headers = {
      'x-forwarded-for': '6.6.6.6',
      'true-client-ip': '6.6.6.6',
      'x-nf-client-connection-ip': '6.6.6.6',
    };

    t.regex((await ask('/.netlify/functions/hi', { headers })).body, /,"192\.0\.2\.7","192\.0\.2\.7"\]$/);
  });

  test(`${name}: each request ends with its response, writes its access line, and leaves no work for the drain`, async (t) => {
    const { ask, middleware, logFile } = await serve(t, adapt, (await project(t, SITE)).root);
    for (const path of ['/hello.txt', '/stream', '/.netlify/functions/hi', '/other']) await ask(path);

    // With a request in flight this would take DRAIN_TIMEOUT.
    await middleware.close();

    const lines = await untilResult(
      async () => (await readFile(logFile, 'utf8')).trim().split('\n'),
      (found) => found.length >= 3,
    );
    t.deepEqual(
      lines.map((line) => JSON.parse(line)).map(({ status, bytes, target }) => [status, bytes, target]),
      [
        ['200', '0', 'public/hello.txt'],
        ['200', '0', 'cloud-functions/stream.js'],
        ['200', '0', 'netlify/functions/hi.mjs'],
      ],
    );
  });

  test(`${name}: a build of Astro answers a request that was built from an event`, async (t) => {
    const { ask } = await serve(t, adapt, await astroSite(t, { major: 7 }));

    const { statusCode, body } = await ask('/');

    t.is(statusCode, 200);
    const facts = JSON.parse(/id="facts"[^>]*>([^<]*)</.exec(body)?.[1] ?? '');
    t.like(facts, { url: 'https://a.example/', address: '192.0.2.7' });
  });
}

test('Fastify: functions and files answer an injected request', async (t) => {
  const { default: fastify } = await import('fastify');
  const { default: middie } = await import('@fastify/middie');
  const middleware = await openMiddleware(t, { site: (await project(t, SITE)).root, trustedProxies: 'none' });
  const app = fastify();
  await app.register(middie);
  app.use(middleware);
  app.get('/other', async () => 'host');
  const headers = { host: 'a.example', 'x-forwarded-for': '6.6.6.6', 'x-tag': ['a', 'b'] };

  t.is((await app.inject({ url: '/hello.txt' })).body, 'a file');
  t.is((await app.inject({ url: '/stream' })).body, 'abc');
  t.is((await app.inject({ url: '/other', headers })).body, 'host');
  const answer = await app.inject({ url: '/.netlify/functions/hi', method: 'POST', headers, payload: 'x' });
  t.deepEqual(answer.json(), ['http://a.example/.netlify/functions/hi', 'x', '127.0.0.1', '127.0.0.1']);
});
