import test, { type ExecutionContext } from 'ava';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { type DialectServer, serveDialect } from '../../helpers/dialect-server.ts';

interface Framework {
  /** An app with the routes that the tests request. */
  readonly text: string;
  /** Text of its own page for an unknown path. */
  readonly notFound: RegExp;
}

function express(packageName: string): Framework {
  return {
    notFound: /Cannot GET \/none/,
    text: `import express from '${packageName}';
      const app = express();
      app.get('/seen/:id', (request, response) => response.json({ url: request.url, id: request.params.id, context: request.context }));
      app.post('/json', express.json(), (request, response) => response.json(request.body));
      app.post('/raw', (request, response) => { const chunks = []; request.on('data', (chunk) => chunks.push(chunk)).on('end', () => response.end(Buffer.concat(chunks))); });
      app.get('/cookies', (request, response) => response.cookie('a', '1').cookie('b', '2').end());
      app.get('/bytes', (request, response) => response.type('bin').send(Buffer.from([0, 128, 255])));
      app.get('/events', (request, response) => { response.type('text/event-stream'); response.write('data: 1\\n\\n'); globalThis.continueStream = () => response.end('data: 2\\n\\n'); });
      app.get('/own', (request, response) => response.status(500).send('own page'));
      app.get('/fail', () => { throw new Error('mine'); });
      export default app;`,
  };
}

function koa(packageName: string): Framework {
  return {
    notFound: /^Not Found$/,
    text: `import Koa from '${packageName}';
      import { PassThrough } from 'node:stream';
      const app = new Koa();
      const raw = async (ctx) => Buffer.concat(await Array.fromAsync(ctx.req));
      app.silent = true;
      app.use(async (ctx) => {
        if (ctx.path.startsWith('/seen/')) ctx.body = { url: ctx.url, id: ctx.path.slice(6), context: ctx.req.context };
        else if (ctx.path === '/json') ctx.body = JSON.parse(await raw(ctx));
        else if (ctx.path === '/raw') ctx.body = await raw(ctx);
        else if (ctx.path === '/cookies') { ctx.cookies.set('a', '1'); ctx.cookies.set('b', '2'); ctx.body = ''; }
        else if (ctx.path === '/bytes') ctx.body = Buffer.from([0, 128, 255]);
        else if (ctx.path === '/events') { ctx.type = 'text/event-stream'; const stream = ctx.body = new PassThrough(); stream.write('data: 1\\n\\n'); globalThis.continueStream = () => stream.end('data: 2\\n\\n'); }
        else if (ctx.path === '/own') { ctx.status = 500; ctx.body = 'own page'; }
        else if (ctx.path === '/fail') throw new Error('mine');
      });
      export default app;`,
  };
}

const hono: Framework = {
  notFound: /^404 Not Found$/,
  text: `import { Hono } from 'hono';
    import { setCookie } from 'hono/cookie';
    import { streamSSE } from 'hono/streaming';
    const app = new Hono();
    app.get('/seen/:id', (c) => c.json({ url: c.req.raw.url.replace(/^http:..[^/]+/, ''), id: c.req.param('id'), context: { env: c.env } }));
    app.post('/json', async (c) => c.json(await c.req.json()));
    app.post('/raw', async (c) => c.body(await c.req.arrayBuffer()));
    app.get('/cookies', (c) => { setCookie(c, 'a', '1'); setCookie(c, 'b', '2'); return c.body(null); });
    app.get('/bytes', (c) => c.body(new Uint8Array([0, 128, 255])));
    app.get('/events', (c) => streamSSE(c, async (stream) => { await stream.writeSSE({ data: '1' }); await new Promise((go) => { globalThis.continueStream = go; }); await stream.writeSSE({ data: '2' }); }));
    app.get('/own', (c) => c.text('own page', 500));
    app.get('/fail', () => { throw new Error('mine'); });
    export default app;`,
};

const fastify: Framework = {
  notFound: /Route GET:\/none not found/,
  text: `import Fastify from 'fastify';
    const app = Fastify();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body));
    app.get('/seen/:id', (request) => ({ url: request.url, id: request.params.id, context: request.raw.context }));
    app.post('/json', (request) => request.body);
    app.post('/raw', (request, reply) => reply.send(request.body));
    app.get('/cookies', (request, reply) => reply.header('set-cookie', ['a=1', 'b=2']).send(''));
    app.get('/bytes', (request, reply) => reply.send(Buffer.from([0, 128, 255])));
    app.get('/events', (request, reply) => { reply.hijack(); reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }); reply.raw.write('data: 1\\n\\n'); globalThis.continueStream = () => reply.raw.end('data: 2\\n\\n'); });
    app.get('/own', (request, reply) => reply.code(500).send('own page'));
    app.get('/fail', () => { throw new Error('mine'); });
    export default app;`,
};

const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  'Express 5': express('express'),
  'Express 4': express('express4'),
  'Koa 3': koa('koa'),
  'Koa 2': koa('koa2'),
  Hono: hono,
  Fastify: fastify,
};

for (const [name, { text, notFound }] of Object.entries(FRAMEWORKS)) {
  test(`${name} gets the path below its folder, and the context of the platform`, async (t) => {
    const { url } = await serve(t, text);

    const seen = (await (await fetch(`${url}/own/app/seen/7?x=1`)).json()) as { context: object }; // the app's JSON

    t.like(seen, { url: '/seen/7?x=1', id: '7', context: { env: { KEY: 'value' } } });
    if (name !== 'Hono') t.deepEqual(Object.keys(seen.context), ['env', 'params', 'uuid', 'server', 'clientIp', 'geo']);
  });

  test(`${name} reads bodies, parsed and raw`, async (t) => {
    const { url } = await serve(t, text);
    const post = (path: string, type: string, body: string | Uint8Array) =>
      fetch(`${url}/own/app${path}`, { method: 'POST', headers: { 'content-type': type }, body });

    t.deepEqual(await (await post('/json', 'application/json', '{"a":[1]}')).json(), { a: [1] });
    t.deepEqual([...(await (await post('/raw', 'application/x-own', new Uint8Array([0, 200]))).bytes())], [0, 200]);
  });

  test(`${name} sends bytes and each of its cookies`, async (t) => {
    const { url } = await serve(t, text);

    const cookies = (await fetch(`${url}/own/app/cookies`)).headers.getSetCookie();

    t.deepEqual(
      cookies.map((cookie) => cookie.slice(0, 3)),
      ['a=1', 'b=2'],
    );
    t.deepEqual([...(await (await fetch(`${url}/own/app/bytes`)).bytes())], [0, 128, 255]);
  });

  test.serial(`${name} streams each event at once`, async (t) => {
    const peer = await (await serve(t, text)).connect();
    peer.write('GET /own/app/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

    t.regex(await peer.readUntil('data: 1\n\n'), /^HTTP\/1\.1 200 .*text\/event-stream/s);
    (globalThis as unknown as { continueStream(): void }).continueStream(); // set by the app

    t.regex(await peer.readToEnd(), /data: 2\n\n/);
  });

  test(`${name} answers with its own pages for an unknown path and for an error`, async (t) => {
    const { url, faults } = await serve(t, text);

    const missing = await fetch(`${url}/own/app/none`);
    const own = await fetch(`${url}/own/app/own`);
    const failed = await fetch(`${url}/own/app/fail`);

    t.is(missing.status, 404);
    t.regex(await missing.text(), notFound);
    t.deepEqual([own.status, await own.text(), failed.status], [500, 'own page', 500]);
    t.deepEqual(faults, []);
  });
}

test('an app of Nest is started by the first request, and served by the app that it wraps', async (t) => {
  const text = `import express from 'express';
    let started = 0; const wrapped = express();
    export default { init: async () => { started++; wrapped.get('/started', (request, response) => response.json(started)); }, getHttpAdapter: () => ({ getInstance: () => wrapped }) };`;
  const { url } = await serve(t, text);

  const answers = await Promise.all([1, 2].map(async () => (await fetch(`${url}/own/app/started`)).json()));

  t.deepEqual(answers, [1, 1]);
});

test('an app whose start fails is started again by the next request', async (t) => {
  const text = `let tries = 0;
    export default { ready: async () => { if (tries++ === 0) throw new Error('not yet'); }, routing: (request, response) => response.end('ready') };`;
  const { url, faults } = await serve(t, text);

  const statuses = [(await fetch(`${url}/own/app`)).status, (await fetch(`${url}/own/app`)).status];

  t.deepEqual(statuses, [500, 200]);
  t.is(faults[0]?.code, 'function_error');
});

/** Serves an app in its own folder. */
function serve(t: ExecutionContext, text: string): Promise<DialectServer> {
  return serveDialect(t, edgeone, { 'cloud-functions/own/app/[[default]].js': text }, { env: { KEY: 'value' } });
}
