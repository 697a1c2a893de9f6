import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { fakeBuild } from '../helpers/fake-build.ts';
import { freePort } from '../helpers/free-port.ts';
import { listeningPorts } from '../helpers/listening-sockets.ts';
import { type RunningProcess, runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const GOOD = 'export const onRequest = () => new Response("good");';

const serve = async (t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<RunningProcess> =>
  startNexthop(t, { site: await siteFolder(t, files) });

function get({ port }: RunningProcess, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`);
}

/** What a server that listens tells its owner, from `listen` to 'close'. */
const PROBE = `import { once } from 'node:events';
export async function probe(server, listen) {
  const events = [];
  for (const name of ['listening', 'error', 'close']) server.on(name, () => events.push(name));
  const returned = listen(server, () => events.push('callback'));
  await once(server, 'listening');
  const seen = { address: server.address(), isListening: server.listening, isItself: returned === server };
  seen.connections = await new Promise((resolve) => server.getConnections((error, count) => resolve(error ?? count)));
  server.unref().ref();
  seen.closeError = await new Promise((resolve) => server.close(resolve));
  return { ...seen, isClosed: !server.listening && server.address()?.port === undefined, events };
}`;

const ANY = { address: '::', family: 'IPv6', port: 49_152 };

/** How a server is made, how it listens, and the address that it has then. */
const FORMS = [
  ['http.createServer()', 'listen(9899, called)', { ...ANY, port: 9899 }],
  ['http.createServer()', 'listen(called)', ANY],
  ['http.createServer()', 'listen(0, "127.0.0.1", 10, called)', { ...ANY, address: '127.0.0.1', family: 'IPv4' }],
  ['http.createServer()', 'listen("9899", "::1", called)', { ...ANY, address: '::1', port: 9899 }],
  [
    'http.createServer()',
    'listen({ port: 9899, host: "no.such.host.invalid" }, called)',
    { address: '127.0.0.1', family: 'IPv4', port: 9899 },
  ],
  ['http.createServer()', 'listen({ fd: 0 }, called)', ANY],
  ['http.createServer()', 'listen(Object.freeze({ port: 9899, reusePort: true }), called)', { ...ANY, port: 9899 }],
  ['https.createServer()', 'listen(9899, called)', { ...ANY, port: 9899 }],
  ['http2.createServer()', 'listen(9899, called)', { ...ANY, port: 9899 }],
  ['http2.createSecureServer()', 'listen(9899, called)', { ...ANY, port: 9899 }],
  ['tls.createServer()', 'listen(9899, called)', { ...ANY, port: 9899 }],
  ['net.createServer()', 'listen(9899, called)', { ...ANY, port: 9899 }],
] as const;

test.serial(
  'a server of a function behaves as if it listened, opens nothing, and is one line for each file',
  async (t) => {
    const files = FORMS.map(([create, call], number) => [
      `cloud-functions/form${number}.js`,
      `import * as modules from './modules.js';
      const { http, https, http2, net, tls } = modules;
      const run = () => modules.probe(${create}, (server, called) => server
        .${call});
      const loaded = run();
      export const onRequest = async () => Response.json([await loaded, await run()]);`,
    ]);
    const modules = ['http', 'https', 'http2', 'net', 'tls'].map((name) => `import ${name} from 'node:${name}';`);
    const site = await siteFolder(t, {
      'cloud-functions/modules.js': `${modules.join('')}\n${PROBE}\nexport { http, https, http2, net, tls };`,
      ...Object.fromEntries(files),
    });
    const running = await startNexthop(t, { site });

    for (const [number, [create, call, address]] of FORMS.entries()) {
      const seen = {
        address,
        isListening: true,
        isItself: true,
        connections: 0,
        isClosed: true,
        events: ['listening', 'callback', 'close'],
      };
      const [loaded, called] = (await (await get(running, `/form${number}`)).json()) as object[]; // of the function
      t.like(loaded, seen, `${create}.${call} while it loads`);
      t.like(called, seen, `${create}.${call} in a request`);
    }
    t.deepEqual(listeningPorts(running.pid), [running.port]);
    const lines = await complaints(running, FORMS.length);
    t.deepEqual(
      lines.map(({ file }) => file).toSorted(),
      FORMS.map((_, number) => `cloud-functions/form${number}.js`).toSorted(),
    );
    t.like(
      lines.find(({ file }) => file === 'cloud-functions/form0.js'),
      {
        line: 4,
        target: 'cloud-functions/form0.js',
        message:
          'listen(9899) at cloud-functions/form0.js:4:10 opens no port: nexthop serves this site itself; remove the call or keep it for local development',
      },
    );
  },
);

test('a function sends requests to its own server through a socket file', async (t) => {
  const running = await serve(t, {
    'cloud-functions/own.js': `import { createServer, request } from 'node:http';
      import { once } from 'node:events';
      import { tmpdir } from 'node:os';
      const server = createServer((request, response) => response.end('own ' + request.url));
      server.listen({ path: tmpdir() + '/own-' + process.pid + '.sock' });
      await once(server, 'listening');
      export const onRequest = async () => {
        const [response] = await once(request({ socketPath: server.address(), path: '/inner' }).end(), 'response');
        return new Response(await response.toArray().then(String));
      };`,
  });

  t.is(await (await get(running, '/own')).text(), 'own /inner');
  t.deepEqual(listeningPorts(running.pid), [running.port]);
});

/** Apps that listen, as they do outside of the platform, each with what it answers. */
const APPS = {
  express: `import express from 'express'; const app = express(); app.use((request, response) => response.send('express'));
    app.listen(9899, (error) => console.log('express was called', error ?? 'well'));`,
  express4: `import express from 'express4'; const app = express(); app.use((request, response) => response.send('express4'));
    const server = app.listen(9899); server.on('listening', () => console.log('express4 was called', 'well'));`,
  koa: `import Koa from 'koa'; const app = new Koa(); app.use((context) => { context.body = 'koa'; });
    app.listen(9899, '0.0.0.0', () => console.log('koa was called', 'well'));`,
  koa2: `import Koa from 'koa2'; import { createServer } from 'node:http'; const app = new Koa(); app.use((context) => { context.body = 'koa2'; });
    createServer(app.callback()).listen({ port: 9899 }).once('listening', () => console.log('koa2 was called', 'well'));`,
  fastify: `import Fastify from 'fastify'; const app = Fastify(); app.get('/', async () => 'fastify');
    app.listen({ port: 9899 }).then((url) => console.log('fastify was called', url && 'well'), console.error);`,
  hono: `import { Hono } from 'hono'; import { createServer } from 'node:http'; const app = new Hono(); app.get('/', (context) => context.text('hono'));
    const server = createServer(() => {}); server.listen(9899, undefined, () => console.log('hono was called', server.address().port === 9899 && 'well'));`,
};

test.serial('apps that listen while they load are served, told that they listen, and open no port', async (t) => {
  const site = await siteFolder(
    t,
    Object.fromEntries(
      Object.entries(APPS).map(([name, code]) => [
        `cloud-functions/${name}/[[default]].js`,
        `${code}\nexport default app;`,
      ]),
    ),
  );
  await symlink(join(import.meta.dirname, '../../node_modules'), join(site, 'node_modules'));
  const running = await startNexthop(t, { site, env: { LOG_STDOUT: '1' } });

  for (const name of Object.keys(APPS)) {
    t.is(await (await get(running, `/${name}`)).text(), name);
    await running.said(new RegExp(`${name} was called well`));
  }

  t.deepEqual(listeningPorts(running.pid), [running.port]);
  const lines = await complaints(running, Object.keys(APPS).length);
  t.deepEqual(
    lines.map(({ target }) => target).toSorted(),
    Object.keys(APPS)
      .map((name) => `cloud-functions/${name}/[[default]].js`)
      .toSorted(),
  );
  t.regex(String(lines.find(({ target }) => String(target).includes('/express/'))?.message), /express\/\[.*\.js:2:9 /);
  // Behind an `await` of the package, nothing of the function is on the stack.
  t.regex(
    String(lines.find(({ target }) => String(target).includes('/fastify/'))?.message),
    /node_modules\/fastify\/.*, called for cloud-functions\/fastify\/\[\[default\]\]\.js, opens no port/,
  );
});

test.serial('a function that listens on PORT while it loads does not take it from nexthop', async (t) => {
  const port = await freePort();
  const site = await siteFolder(t, {
    'cloud-functions/good.js': `import { createServer } from 'node:http';\ncreateServer().listen(process.env.PORT);\n${GOOD}`,
  });

  const running = await startNexthop(t, { site, env: { PORT: String(port) } });

  t.is(await (await get(running, '/good')).text(), 'good');
  t.is(running.port, port);
});

test.serial('servers of Netlify functions, of a middleware and of a hosted build open no port', async (t) => {
  const listen = `import { createServer } from 'node:net'; createServer().listen(0);`;
  const site = await fakeBuild(t, {
    entry: `${listen} export const handler = (request, response, next) => { createServer().listen(0); request.url === '/built' ? response.end('built') : next(); };
      export const options = { mode: 'middleware' };`,
    files: {
      'middleware.js': `${listen} export const middleware = ({ next }) => { createServer().listen(0); return next(); };`,
      'netlify/functions/modern.mjs': `${listen} export default async () => { createServer().listen(0); return new Response('modern'); };`,
      'netlify/functions/lambda.mjs': `${listen} export const handler = async () => { createServer().listen(0); return { statusCode: 200, body: 'lambda' }; };`,
    },
  });
  const running = await startNexthop(t, { site });

  t.is(await (await get(running, '/.netlify/functions/modern')).text(), 'modern');
  t.is(await (await get(running, '/.netlify/functions/lambda')).text(), 'lambda');
  t.is(await (await get(running, '/built')).text(), 'built');

  t.deepEqual(listeningPorts(running.pid), [running.port]);
  const lines = await complaints(running, 5);
  const listens = lines.filter(({ message }) => /^listen\(0\) at .* opens no port: /.test(String(message)));
  t.deepEqual(listens.map(({ file }) => file).toSorted(), [
    'dist/server/entry.mjs',
    'middleware.js',
    'netlify/functions/lambda.mjs',
    'netlify/functions/modern.mjs',
  ]);
});

test.serial('a server that does not listen really answers what its code emits on it', async (t) => {
  const running = await serve(t, {
    'cloud-functions/[[all]].js': `import { createServer } from 'node:http';
      const server = createServer((request, response) => response.end(request.url)).listen(0);
      const app = (request, response) => server.emit('request', request, response);
      export default Object.assign(app, { use() {}, handle() {} });`,
  });

  t.is(await (await get(running, '/here')).text(), '/here');
});

test.serial('listen refuses what it refuses in Node, and ends by its signal', async (t) => {
  const running = await serve(t, {
    'cloud-functions/bad.js': `import { createServer } from 'node:http';
      import { once } from 'node:events';
      const codeOf = (call) => { try { call(); return 'none'; } catch ({ code }) { return code; } };
      export const onRequest = async () => {
        const abort = new AbortController();
        const server = createServer().listen({ port: 0, signal: abort.signal });
        const codes = [
          codeOf(() => server.listen(0)),
          codeOf(() => createServer().listen(70_000)),
          codeOf(() => createServer().listen(true)),
          codeOf(() => createServer().listen({})),
        ];
        abort.abort();
        await once(server, 'close');
        const again = codeOf(() => server.listen(0));
        return Response.json([...codes, again]);
      };`,
  });

  t.deepEqual(await (await get(running, '/bad')).json(), [
    'ERR_SERVER_ALREADY_LISTEN',
    'ERR_SOCKET_BAD_PORT',
    'ERR_INVALID_ARG_VALUE',
    'ERR_INVALID_ARG_VALUE',
    'none',
  ]);
});

test.serial('a listen that is handed to Node, and an inspector, open no port', async (t) => {
  const running = await serve(t, {
    'cloud-functions/odd.js': `import { createServer } from 'node:http';
      import { open, url } from 'node:inspector';
      import * as inspector from 'node:inspector/promises';
      const server = createServer();
      setTimeout(server.listen.bind(server), 1, 0, '127.0.0.1');
      open(0);
      inspector.default.open(0)[Symbol.dispose]();
      const listening = new Promise((resolve) => server.once('listening', resolve));
      export const onRequest = async () => { await listening; return Response.json({ url: url() }); };`,
  });

  t.deepEqual(await (await get(running, '/odd')).json(), {});
  t.deepEqual(listeningPorts(running.pid), [running.port]);
  const messages = (await complaints(running, 2)).map(({ message }) => message);
  t.is(messages.length, 2);
  t.regex(String(messages[0]), /^inspector\.open\(0\) at cloud-functions\/odd\.js:6:7 opens no port: /);
  t.regex(String(messages[1]), /^listen\(0, '127\.0\.0\.1'\), called for cloud-functions\/odd\.js, opens no port: /);
});

test.serial('servers that seem to listen hold up neither the drain nor the end of a command', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/slow.js': `import { createServer } from 'node:http';
      const server = createServer().listen(0);
      process.on('SIGTERM', () => server.close(() => { console.log('it closed'); process.exit(1); }));
      export const onRequest = async () => {
        createServer().listen(0);
        console.log('it began');
        await new Promise((resolve) => setTimeout(resolve, 300));
        return new Response('whole');
      };`,
  });
  const running = await startNexthop(t, { site, env: { LOG_STDOUT: '1' } });
  const slow = get(running, '/slow');
  await running.said(/it began/);

  running.child.kill('SIGTERM');

  t.is(await (await slow).text(), 'whole');
  t.is(await running.exited, 0);
  t.regex(running.output(), /it closed/);
  const routes = await runNexthop(t, { args: ['routes', site] });
  t.is(await routes.exited, 0);
  t.regex(routes.output(), /listen\(0\) at cloud-functions\/slow\.js:2:\d+ opens no port/);
});
