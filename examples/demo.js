// npm run demo: starts a next hop and nexthop in front of it, sends one request to each kind of target, and keeps both running until Ctrl-C.
// Plain JavaScript for Node 20 and later, so that every supported Node can start it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createOrigin } from './origin.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SITE = 'examples/hello';

const stopped = untilSignal();
process.exitCode = await demo();

/** Resolves with the exit code. */
async function demo() {
  try {
    await access(join(ROOT, 'dist/cli/cli.js'));
  } catch {
    process.stderr.write('nexthop is not built yet: run "npm ci" first.\n');
    return 1;
  }
  const origin = createOrigin().listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const logDir = await mkdtemp(join(tmpdir(), 'nexthop-demo-'));
  const server = startServer(`http://127.0.0.1:${origin.address().port}`, logDir);
  try {
    const address = await server.address;
    if (address === undefined) return 1;
    await fetchText(`${address}/.well-known/nexthop/ready`);
    await show(address, logDir);
    await Promise.race([stopped, server.exit]);
    return await server.stop();
  } finally {
    await server.stop();
    origin.closeAllConnections();
    origin.close();
    await rm(logDir, { recursive: true, force: true });
  }
}

/** Runs `npm start`. `address` resolves with the URL of the server, or with undefined if it ended before it listened. */
function startServer(nextHop, logDir) {
  const port = process.env.PORT ?? '8080';
  print(`$ PORT=${port} NEXT_HOP=${nextHop} LOG_DIR=${logDir} npm start -- ${SITE}`);
  const child = spawn('npm', ['start', '--silent', '--', SITE], {
    cwd: ROOT,
    env: { ...process.env, PORT: port, NEXT_HOP: nextHop, LOG_DIR: logDir },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A separate process group, so that Ctrl-C does not reach it: npm forwards signals, so the server would get two and abort its drain.
    detached: true,
  });
  const exit = once(child, 'exit').then(([code]) => code ?? 1);
  const address = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      print(line);
      const [, url] = /listens on (http:\S+)/.exec(line) ?? [];
      if (url) resolve(url);
    });
    exit.then(() => resolve(undefined));
  });
  return {
    address,
    exit,
    stop: () => {
      child.kill('SIGTERM');
      return exit;
    },
  };
}

async function show(address, logDir) {
  print('\nA path that a function of the site answers:');
  await request(`${address}/api/hello`);
  await request(`${address}/users/42`);
  print('A path that no route of the site matches is forwarded to the next hop, unchanged:');
  await request(`${address}/any//path?x=%41`);
  print(`Each request has a line in ${logDir}/access.log.`);
  print('Both servers keep running: try curl in another terminal. Ctrl-C ends them.');
}

async function request(url) {
  print(`$ curl '${url}'`);
  print(`${(await fetchText(url)).trimEnd()}\n`);
}

/** Resolves with the body of the response. */
async function fetchText(url) {
  const [response] = await once(get(url, { agent: false }), 'response');
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

/** Resolves at the first signal; later ones have no effect. */
function untilSignal() {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, resolve);
  });
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
