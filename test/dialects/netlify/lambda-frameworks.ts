import test, { type ExecutionContext } from 'ava';
import { installGlobals } from '../../../src/dialects/netlify/call/globals.ts';
import { compileSite } from '../../helpers/compiled-site.ts';
import { type LambdaServer, type LambdaSetup, serveLambda } from '../../helpers/lambda-server.ts';

const FILE = 'netlify/functions/api.js';

/** Compiles the text as a function of a site and serves its handler. */
async function serve(t: ExecutionContext, text: string, setup?: LambdaSetup): Promise<LambdaServer> {
  installGlobals({ processEnv: process.env, env: {} });
  const site = await compileSite(t, { [FILE]: text }, [FILE]);
  const { handler } = await site.run(FILE);
  return serveLambda(t, handler, setup);
}

/** The code of guides for Express on Netlify. */
function expressApp(packageName: string): string {
  return `
    const express = require('${packageName}');
    const serverless = require('serverless-http');
    const router = express.Router();
    router.get('/hello', (req, res) => {
      res.cookie('a', '1').cookie('b', '2').json({ url: req.originalUrl, query: req.query });
    });
    router.post('/echo', express.json(), (req, res) => res.status(201).json(req.body));
    router.get('/image', (req, res) => res.type('image/png').send(Buffer.from([0, 127, 128, 255])));
    const app = express();
    app.use('/.netlify/functions/api', router);
    exports.handler = serverless(app, { binary: ['image/*'] });
  `;
}

for (const packageName of ['express', 'express4']) {
  test(`${packageName} responds through serverless-http, with the query and all cookies`, async (t) => {
    const { url } = await serve(t, expressApp(packageName));

    const answer = await fetch(`${url}/.netlify/functions/api/hello?a=1&b=x%20y`);
    t.is(answer.status, 200);
    t.deepEqual(answer.headers.getSetCookie(), ['a=1; Path=/', 'b=2; Path=/']);
    t.like(await answer.json(), { query: { a: '1', b: 'x y' } });
  });

  test(`${packageName} reads JSON and sends binaries and its own 404 through serverless-http`, async (t) => {
    const { url } = await serve(t, expressApp(packageName));
    const headers = { 'content-type': 'application/json' };

    const echo = await fetch(`${url}/.netlify/functions/api/echo`, { method: 'POST', headers, body: '{"é":1}' });
    t.is(echo.status, 201);
    t.deepEqual(await echo.json(), { é: 1 });
    const image = await fetch(`${url}/.netlify/functions/api/image`);
    t.deepEqual([...(await image.bytes())], [0, 127, 128, 255]);
    t.is((await fetch(`${url}/.netlify/functions/api/none`)).status, 404);
  });
}

for (const packageName of ['koa', 'koa2']) {
  test(`${packageName} responds through serverless-http`, async (t) => {
    const text = `
      import Koa from '${packageName}';
      import serverless from 'serverless-http';
      const app = new Koa();
      app.use((context) => {
        context.set('x-path', context.path);
        context.body = { method: context.method };
      });
      export const handler = serverless(app);
    `;
    const { url } = await serve(t, text);

    const answer = await fetch(`${url}/deep/path`);
    t.is(answer.headers.get('x-path'), '/deep/path');
    t.deepEqual(await answer.json(), { method: 'GET' });
  });
}

const MIDDY = `
  import middy from '@middy/core';
  export const handler = middy({ timeoutEarlyInMillis: 50, timeoutEarlyResponse: () => ({ statusCode: 202 }) })
    .before(({ event }) => { event.tag = 'before'; })
    .after(({ response }) => { response.headers = { 'x-after': 'yes' }; })
    .handler(async (event, context) => {
      if (event.path === '/slow') await new Promise(() => {});
      return { statusCode: 200, body: event.tag + ' ' + context.functionName };
    });
`;

test('a middy handler runs its middlewares, and ends early by the remaining time', async (t) => {
  const { url } = await serve(t, MIDDY, { limits: { timeoutMs: 1000 } });

  const answer = await fetch(url);
  t.is(answer.headers.get('x-after'), 'yes');
  t.is(await answer.text(), 'before hello');
  t.is((await fetch(`${url}/slow`)).status, 202);
});

test('a middy handler without a time limit is not ended early', async (t) => {
  t.is((await fetch((await serve(t, MIDDY)).url)).status, 200);
});

test('a middy handler streams', async (t) => {
  const text = `
    import middy from '@middy/core';
    import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
    export const handler = middy({ executionMode: executionModeStreamifyResponse }).handler(async () => ({
      statusCode: 203,
      headers: { 'content-type': 'text/event-stream' },
      body: new Blob(['data: 1']).stream(),
    }));
  `;
  const answer = await fetch((await serve(t, text)).url);

  t.is(answer.status, 203);
  t.is(answer.headers.get('content-type'), 'text/event-stream');
  t.is(await answer.text(), 'data: 1');
});

test('module.exports with a handler is a Lambda-compatible function', async (t) => {
  const answer = await fetch((await serve(t, `module.exports = { handler: async () => ({ statusCode: 202 }) };`)).url);

  t.is(answer.status, 202);
});
