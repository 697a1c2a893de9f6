import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer } from 'node:http';
import type { NetlifyGlobal } from '@netlify/types';
import test from 'ava';
import { installGlobals } from '../../../../src/dialects/netlify/call/globals.ts';
import { requestStore } from '../../../../src/dialects/netlify/call/request-store.ts';
import { serveFunction } from '../../../helpers/function-server.ts';
import { listen } from '../../../helpers/listen.ts';

installGlobals({ processEnv: process.env, env: {} });
const { Netlify } = globalThis as unknown as { Netlify: NetlifyGlobal }; // just installed

test('Netlify has a context and an env, and the context is null outside of a call', (t) => {
  t.deepEqual(Object.keys(Netlify).sort(), ['context', 'env']);
  t.is(Netlify.context, null);
});

test('a second installation changes nothing', (t) => {
  const { fetch: before, awslambda } = globalThis as unknown as Record<string, unknown>;

  installGlobals({ processEnv: process.env, env: {} });

  const after = globalThis as unknown as Record<string, unknown>;
  t.deepEqual([after.Netlify === Netlify, after.fetch === before, after.awslambda === awslambda], [true, true, true]);
});

test.serial('Netlify.env reads and writes process.env', (t) => {
  const name = 'NEXTHOP_TEST_GLOBALS';
  const { env } = Netlify;
  t.teardown(() => delete process.env[name]);

  t.deepEqual([env.get(name), env.has(name)], [undefined, false]);
  env.set(name, '');
  t.deepEqual([env.get(name), env.has(name), process.env[name]], ['', false, '']);
  process.env[name] = 'mine';
  t.deepEqual([env.get(name), env.has(name), env.toObject()[name]], ['mine', true, 'mine']);
  env.toObject()[name] = 'copy';
  t.is(env.get(name), 'mine');
  env.delete(name);
  t.false(name in process.env);
});

test('the globals exist while a function loads, and Netlify.context is the context of the call', async (t) => {
  const server = await serveFunction(
    t,
    `import { getContext } from '@netlify/functions';
     const atLoad = [Netlify.context, typeof awslambda.streamifyResponse, typeof URLPattern];
     let thrown;
     try { getContext(); } catch (error) { thrown = error.message; }
     async function later() {
       await new Promise((resolve) => setTimeout(resolve, 1));
       return getContext();
     }
     export default async (request, context) =>
       Response.json([atLoad, thrown, Netlify.context === context, getContext() === context, (await later()) === context]);`,
  );

  const answer = await fetch(server.url);

  t.deepEqual(await answer.json(), [
    [null, 'function', 'function'],
    "getContext() can only be called within a Netlify serverless function's request handler or one of its async children.",
    true,
    true,
    true,
  ]);
});

test('concurrent calls have their own contexts, also in the bodies of their responses', async (t) => {
  const server = await serveFunction(
    t,
    `import { getContext } from '@netlify/functions';
     let arrive;
     const both = new Promise((resolve) => { let count = 0; arrive = () => { if (++count === 2) resolve(); }; });
     export default async ({ url }, context) => {
       arrive();
       await both;
       const body = {
         async pull(controller) {
           await new Promise(setImmediate);
           controller.enqueue(String(Netlify.context === context && getContext() === context) + getContext().url.pathname);
           controller.close();
         },
       };
       return new Response(new ReadableStream(body, { highWaterMark: 0 }));
     };`,
  );

  const texts = await Promise.all(['/a', '/b'].map(async (path) => (await fetch(server.url + path)).text()));

  t.deepEqual(texts, ['true/a', 'true/b']);
});

test('a store that exists already is used', (t) => {
  const key = Symbol.for('@netlify/functions/request-context-store');
  const place = globalThis as { [key]?: unknown };
  const before = place[key];
  const own = new AsyncLocalStorage();
  t.teardown(() => {
    place[key] = before;
  });

  place[key] = own;

  t.is(requestStore() as unknown, own);
});

test('all other uses of fetch are unchanged', async (t) => {
  const server = createServer((request, response) => response.end(`${request.method} ${request.url}`));
  const url = `${await listen(t, server)}/api/v1/purge`;

  const answers = await Promise.all([fetch(url, { method: 'POST' }), fetch(new URL(url)), fetch(new Request(url))]);

  t.deepEqual(await Promise.all(answers.map((answer) => answer.text())), [
    'POST /api/v1/purge',
    'GET /api/v1/purge',
    'GET /api/v1/purge',
  ]);
  t.deepEqual([fetch.name, fetch.length], ['fetch', 1]);
});
