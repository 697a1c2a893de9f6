import { execFile } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { CHILD_ENV } from '../helpers/child-env.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const FUNCTIONS = {
  'cloud-functions/good.js': 'export const onRequest = () => new Response("good");',
  'cloud-functions/exits.js': 'export const onRequest = () => process.exit(1);',
  'cloud-functions/aborts.js':
    'export const onRequest = async () => { await new Promise(setImmediate); process.abort(); };',
  'cloud-functions/caught.js':
    'export const onRequest = () => { try { process.exit(1); } catch {} return new Response("caught"); };',
  'cloud-functions/later.js': `export const onRequest = () => {
    setTimeout(() => process.exit(1));
    Promise.reject(new Error('no database')).catch(() => new Promise(setImmediate)).then(() => process.exit(1));
    return new Response('later');
  };`,
  'cloud-functions/kills.js': 'export const onRequest = () => process.kill(process.pid, "SIGKILL");',
  'cloud-functions/moves.js': 'export const onRequest = () => process.chdir("/");',
  'cloud-functions/removes.js':
    'export const onRequest = () => { process.removeAllListeners("SIGHUP"); return new Response("removed"); };',
  'cloud-functions/signal.js': `process.prependListener('SIGUSR2', () => process.exit(1));
    export const onRequest = () => new Response('listens');`,
  'cloud-functions/opens.js': `import { createServer } from 'node:http';
    createServer().listen(0);
    export const onRequest = async () => {
      const server = createServer();
      await new Promise((resolve) => server.listen(9899, resolve));
      setTimeout(server.listen.bind(createServer()), 0, 0);
      return new Response(server.address().port + ' of ' + globalThis.countPorts());
    };`,
};

const HOST = `
  import { createServer } from 'node:http';
  import { Server } from 'node:net';
  import { setTimeout as delay } from 'node:timers/promises';
  import { createMiddleware } from '${new URL('../../src/index.ts', import.meta.url).href}';

  const own = [process.exit, process.kill, process.emit, process.removeAllListeners, Server.prototype.listen];
  let heard = 0;
  process.on('SIGUSR2', () => heard++);
  process.on('SIGHUP', () => heard++);
  const nexthop = await createMiddleware({ site: import.meta.dirname });
  const server = createServer((request, response) => nexthop(request, response, () => response.end('the host')));
  const other = createServer();
  globalThis.countPorts = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  setTimeout(other.listen.bind(other), 0, 0, '127.0.0.1');
  const { port } = server.address();
  const answers = {};
  for (const path of ['exits', 'aborts', 'caught', 'kills', 'moves', 'later', 'removes', 'opens', 'signal', 'good', 'none']) {
    const response = await fetch('http://127.0.0.1:' + port + '/' + path);
    answers[path] = response.ok ? await response.text() : response.status;
  }
  await delay(50);
  process.kill(process.pid, 'SIGUSR2');
  process.kill(process.pid, 'SIGHUP');
  await delay(50);
  other.close();
  server.close();
  server.closeAllConnections();
  await nexthop.close();
  const isItsOwn = [process.exit, process.kill, process.emit, process.removeAllListeners, Server.prototype.listen].every((each, at) => each === own[at]);
  console.log(JSON.stringify({ answers, heard, isItsOwn }));
  process.exit(4);
`;

test("in a host, code of a site cannot end the process, and the host's own code can", async (t) => {
  const site = await siteFolder(t, { ...FUNCTIONS, 'host.mjs': HOST });

  const { code, stdout, stderr } = await run(t, site);

  t.is(code, 4, stderr);
  t.deepEqual(JSON.parse(stdout), {
    answers: {
      exits: 500,
      aborts: 500,
      caught: 500,
      kills: 500,
      moves: 500,
      later: 'later',
      removes: 'removed',
      opens: '9899 of 2',
      signal: 'listens',
      good: 'good',
      none: 'the host',
    },
    heard: 2,
    isItsOwn: true,
  });
  for (const place of [
    'exits.js:1',
    'aborts.js:1',
    'caught.js:1',
    'kills.js:1',
    'later.js:2',
    'later.js:3',
    'signal.js:1',
  ])
    t.regex(stderr, new RegExp(`process\\.\\w+\\([^"]*\\) at cloud-functions/${place}:\\d+ does not end the process`));
});

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(t: ExecutionContext, cwd: string): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['host.mjs'], { cwd, env: CHILD_ENV }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
    t.teardown(() => child.kill('SIGKILL'));
  });
}
