import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createHttp2Server } from 'node:http2';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { ConfigError } from '../../src/config/config.ts';
import { SiteError } from '../../src/contract/project.ts';
import { createMiddleware } from '../../src/embed/middleware.ts';
import {
  answerAsHost,
  express,
  HOSTS,
  type LogLine,
  openMiddleware,
  recordLog,
  serveHost,
  startHost,
} from '../helpers/host-servers.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const HELLO = { 'cloud-functions/hello.js': 'export function onRequest() { return new Response("hello"); }' };

test('a site that does not exist is a SiteError', async (t) => {
  await t.throwsAsync(createMiddleware({ site: '/nowhere', env: {} }), {
    instanceOf: SiteError,
    message: /does not exist/,
  });
});

test('settings are read as in the server, except those that the host decides, which are refused', async (t) => {
  const bad = await t.throwsAsync(
    createMiddleware({ env: {}, settings: { FUNCTION_TIMEOUT: 'soon', PORT: '80' }, trustedProxies: 'me' }),
    { instanceOf: ConfigError },
  );
  t.deepEqual(bad?.complaints, [
    'PORT has no effect in a middleware: the host server decides it; remove it from settings',
  ]);

  const worse = await t.throwsAsync(createMiddleware({ env: { FUNCTION_TIMEOUT: 'soon' }, trustedProxies: 'me' }), {
    instanceOf: ConfigError,
  });
  t.is(worse?.complaints.length, 2);
});

test("variables of the host's environment that are settings of the server are ignored", async (t) => {
  const env = {
    PORT: '\\\\.\\pipe\\server',
    NEXT_HOP: 'none',
    REDIS_PORT: 'tcp://10.0.0.1:6379',
    READY_PATH: '/hello',
  };

  const host = await startHost(t, HOSTS['node:http'], { site: await siteFolder(t, HELLO), env });

  t.is(await (await fetch(`${host.url}/hello`)).text(), 'hello');
});

test('settings apply to functions', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/slow.js': 'export const onRequest = () => new Promise(() => {});',
  });
  const host = await startHost(t, HOSTS['node:http'], { site, settings: { FUNCTION_TIMEOUT: '50ms' } });

  t.is((await fetch(`${host.url}/slow`)).status, 504);
});

test('problems of the site are logged', async (t) => {
  const logged: LogLine[] = [];

  await openMiddleware(t, {
    site: await siteFolder(t, { 'cloud-functions/broken.js': 'export const onRequest = (' }),
    log: recordLog(logged),
  });

  t.like(logged[0], { level: 'error', file: 'cloud-functions/broken.js', line: 1, column: 27 });
});

test('with LOG_DIR the middleware writes its own logs, only about requests that it answered', async (t) => {
  const folder = await siteFolder(t, {});
  const host = await startHost(t, HOSTS['Express 5'], {
    site: await siteFolder(t, HELLO),
    settings: { LOG_DIR: folder },
  });
  await fetch(`${host.url}/miss`);
  await fetch(`${host.url}/hello`);

  await host.middleware.close();

  const lines = (await readFile(join(folder, 'access.log'), 'utf8')).split('\n').slice(0, -1);
  t.deepEqual(
    lines.map((line) => JSON.parse(line).request),
    ['GET /hello HTTP/1.1'],
  );
});

test('close removes the variables of the site from process.env', async (t) => {
  const site = await siteFolder(t, { ...HELLO, '.env': 'OF_THE_GUEST=1' });
  const middleware = await openMiddleware(t, { site });
  t.is(process.env.OF_THE_GUEST, '1');

  await middleware.close();

  t.is(process.env.OF_THE_GUEST, undefined);
});

test('two middlewares in one server each serve their own site with their own trusted peers', async (t) => {
  const text = (name: string) =>
    `export function onRequest({ clientIp }) { return new Response("${name} " + clientIp); }`;
  const first = await openMiddleware(t, {
    site: await siteFolder(t, { 'cloud-functions/first.js': text('first') }),
    trustedProxies: 'none',
  });
  const second = await openMiddleware(t, {
    site: await siteFolder(t, { 'cloud-functions/second.js': text('second') }),
    trustedProxies: 'all',
  });
  const app = express();
  app.use(first);
  app.use(second);
  app.use(answerAsHost);
  const host = await serveHost(t, first, app);
  const peer = await host.connect();

  for (const [path, answer] of [
    ['first', 'first 127.0.0.1'],
    ['second', 'second 192.0.2.1'],
    ['third', 'host GET /third'],
  ]) {
    peer.write(`GET /${path} HTTP/1.1\r\nHost: a\r\nTrue-Client-IP: 192.0.2.1\r\n\r\n`);
    await peer.readUntil(answer ?? '');
  }

  await first.close();
  t.is((await fetch(`${host.url}/second`)).status, 503);
});

test('a request over HTTP/2 is refused, and logged once', async (t) => {
  const logged: LogLine[] = [];
  const middleware = await openMiddleware(t, { site: await siteFolder(t, HELLO), log: recordLog(logged) });
  // Node's compatibility API for HTTP/1, which its types do not declare.
  const server = createHttp2Server((request, response) => void middleware(request as never, response as never));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const curl = ['-sS', '--http2-prior-knowledge', '-w', '%{http_code}', `http://127.0.0.1:${port}/hello`];

  for (let count = 0; count < 2; count++) {
    const { stdout } = await promisify(execFile)('curl', curl);
    t.regex(stdout, /code: version_unsupported\n505$/);
  }

  t.deepEqual(
    logged.map(({ level }) => level),
    ['warn'],
  );
});

test('a misspelt setting of the server is not reported, one of the middleware is', async (t) => {
  const logged: LogLine[] = [];
  const env = { NEXTHOP: 'http://of-the-host', HEADERLIMIT: '1', FUNCTIONS_TIMEOUT: '1s' };

  await openMiddleware(t, { site: await siteFolder(t), env, log: recordLog(logged) });

  t.deepEqual(logged, [
    {
      level: 'warn',
      message: 'FUNCTIONS_TIMEOUT is no setting of nexthop; did you mean FUNCTION_TIMEOUT?',
      file: 'environment',
    },
  ]);
});
