import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { CHILD_ENV } from '../helpers/child-env.ts';
import { HOSTS, type LogLine, openMiddleware, recordLog, serveHost, startHost } from '../helpers/host-servers.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { connectTo } from '../helpers/peer.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const HELLO = { 'cloud-functions/hello.js': 'export function onRequest() { return new Response("hello"); }' };

test('a request in flight at close gets its response, and later requests get 503', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/slow.js':
      'export async function onRequest() { await new Promise((resolve) => { globalThis.releaseSlow = resolve; }); return new Response("done"); }',
  });
  const host = await startHost(t, HOSTS['Express 5'], { site });
  const slow = fetch(`${host.url}/slow`);
  const globals = globalThis as { releaseSlow?: () => void };
  await untilResult(
    async () => globals.releaseSlow,
    (release) => release !== undefined,
  );

  const closed = host.middleware.close();
  const later = await fetch(`${host.url}/anything`);
  globals.releaseSlow?.();

  t.is(await (await slow).text(), 'done');
  t.is(later.status, 503);
  t.is(later.headers.get('connection'), 'close');
  await closed;
  t.is(await host.middleware.close(), undefined);
});

test('requests that do not end within DRAIN_TIMEOUT are cut', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/never.js': 'export const onRequest = () => new Promise(() => {});',
  });
  const logged: LogLine[] = [];
  const host = await startHost(t, HOSTS['Express 5'], {
    site,
    settings: { DRAIN_TIMEOUT: '100ms', FUNCTION_TIMEOUT: '0' },
    log: recordLog(logged),
  });
  const peer = await host.connect();
  peer.write('GET /never HTTP/1.1\r\nHost: a\r\n\r\n');
  await untilResult(
    () => new Promise<number>((resolve) => host.server.getConnections((_error, count) => resolve(count))),
    (count) => count === 1,
  );
  await fetch(`${host.url}/other`);

  await host.middleware.close();

  t.is(await peer.readToEnd(), '');
  t.like(logged.at(-1), { level: 'warn', requests: 1 });
});

test('a client that leaves aborts the signal of the function', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/wait.js':
      'export function onRequest({ request }) { globalThis.waiting = 1; return new Promise(() => { request.signal.addEventListener("abort", () => { globalThis.waiting = 2; }); }); }',
  });
  const host = await startHost(t, HOSTS['Express 5'], { site });
  const globals = globalThis as { waiting?: number };
  const peer = await connectTo(t, host.port);
  peer.write('GET /wait HTTP/1.1\r\nHost: a\r\n\r\n');
  await untilResult(
    async () => globals.waiting,
    (waiting) => waiting === 1,
  );

  peer.socket.destroy();

  await untilResult(
    async () => globals.waiting,
    (waiting) => waiting === 2,
  );
  t.pass();
});

test('after a reload new functions answer', async (t) => {
  const site = await siteFolder(t, HELLO);
  const host = await startHost(t, HOSTS['Express 5'], { site });
  await writeFile(join(site, 'cloud-functions/new.js'), 'export const onRequest = () => new Response("new");');
  t.regex(await (await fetch(`${host.url}/new`)).text(), /^host/);

  t.is((await host.middleware.reload()).state, 'exchanged');

  t.is(await (await fetch(`${host.url}/new`)).text(), 'new');
});

test('background functions run in the process of the host, from a store of the site', async (t) => {
  const site = await siteFolder(t, {
    'netlify/functions/later-background.mjs':
      'export default async (request) => { globalThis.ranInHost = await request.text(); };',
  });
  const host = await startHost(t, HOSTS['Express 5'], { site, settings: { STORE_FSYNC: '0' } });

  const answer = await fetch(`${host.url}/.netlify/functions/later-background`, { method: 'POST', body: 'letter' });

  t.is(answer.status, 202);
  const globals = globalThis as { ranInHost?: string };
  await untilResult(
    async () => globals.ranInHost,
    (text) => text === 'letter',
  );
  await host.middleware.close();
  t.true((await readdir(join(site, '.nexthop'))).includes('state.db'));
});

test('an error that next throws is passed to the host', async (t) => {
  const middleware = await openMiddleware(t, { site: await siteFolder(t, HELLO) });
  let thrown: unknown;
  const host = await serveHost(t, middleware, (request, response) => {
    middleware(request, response, () => {
      throw new Error('of the host');
    }).catch((error: unknown) => {
      thrown = error;
      response.end('caught');
    });
  });

  t.is(await (await fetch(`${host.url}/miss`)).text(), 'caught');
  t.like(thrown, { message: 'of the host' });
});

const CHILD = `
import { createMiddleware } from '${new URL('../../src/embed/middleware.ts', import.meta.url).pathname}';
import { createServer } from 'node:http';
const middleware = await createMiddleware({ settings: { KV_BINDINGS: 'values', ...(process.env.LOG_DIR && { LOG_DIR: process.env.LOG_DIR }) } });
const server = createServer(middleware).listen(0);
const { port } = server.address();
const answers = [];
for (const path of ['/hello', '/count', '/throws', '/nothing']) answers.push(await (await fetch('http://127.0.0.1:' + port + path)).status);
server.close();
server.closeAllConnections();
await middleware.close();
process.stdout.write(answers.join(' '));
`;

for (const [how, env] of [
  ['without files', {}],
  ['with log files', { LOG_DIR: 'logs' }],
] as const) {
  test(`the process of a host ends after close, ${how}, and stderr has the errors`, async (t) => {
    const site = await siteFolder(t, {
      ...HELLO,
      'cloud-functions/count.js':
        'export async function onRequest() { await values.put("a", "1"); return new Response(await values.get("a")); }',
      'cloud-functions/throws.js': 'export function onRequest() { throw new Error("the reason"); }',
      'netlify/functions/tick.mjs': 'export default () => {}; export const config = { schedule: "@hourly" };',
      'host.mjs': CHILD,
    });

    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['host.mjs'], {
      cwd: site,
      env: { ...CHILD_ENV, ...env },
      timeout: PATIENCE_MS,
    });

    t.is(stdout, '200 200 500 404');
    const logged = 'LOG_DIR' in env ? await readFile(join(site, 'logs/error.log'), 'utf8') : stderr;
    t.regex(logged, /the reason/);
    t.is(stderr.includes('the reason'), !('LOG_DIR' in env));
  });
}
