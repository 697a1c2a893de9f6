import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { type RunningProcess, runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const LOOP = `import { computeForever } from '../../lib/compute.ts';

export async function onRequest() {
  await 1;
  return computeForever();
}
`;
const COMPUTE = `interface Never { readonly never: true }

export function computeForever(): Response {
  for (let n = 0; ; n++) Math.sqrt(n);
}
`;

/** Stands still as a loop does, but leaves the processor to other tests. It says when it begins. */
const NAPS = `import { writeSync } from 'node:fs';
  const cell = new Int32Array(new SharedArrayBuffer(4));
  export function onRequest() {
    writeSync(2, 'it stands still\\n');
    for (;;) Atomics.wait(cell, 0, 0, 20);
  }`;

async function serve(
  t: ExecutionContext,
  code: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningProcess> {
  const site = await siteFolder(t, {
    'cloud-functions/stall/[id].ts': code,
    'cloud-functions/wait.js': `export const onRequest = () => new Promise((resolve) => setTimeout(resolve, 60_000));`,
    'cloud-functions/soon.js': `export const onRequest = () => new Promise((resolve) => setTimeout(() => resolve(new Response()), 600));`,
    'lib/compute.ts': COMPUTE,
  });
  // Without a cache of compiled code: writing a new one takes longer at the exit than the watchdog waits on a loaded machine.
  return startNexthop(t, { site, env: { ...env, NODE_COMPILE_CACHE: '' } });
}

/** Neither response ever arrives. */
function send({ port }: RunningProcess, path: string, requestId: string): void {
  fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'x-request-id': requestId } }).catch(() => {});
}

test.serial('an endless loop is reported with its line and the calls in progress, then the process ends', async (t) => {
  const running = await serve(t, LOOP, { STALL_TIMEOUT: '6s' });
  send(running, '/wait', 'waits');
  send(running, '/stall/7', 'loops');

  const [report, ending] = await complaints(running, 2);
  t.like(report, {
    level: 'error',
    message: 'the event loop stands still in lib/compute.ts:4:3',
    file: 'lib/compute.ts',
    line: 4,
    target: 'cloud-functions/stall/[id].ts',
    route: '/stall/:id',
    request_id: 'loops',
  });
  t.regex(
    String(report?.stack),
    /^\s+at computeForever .*lib\/compute\.ts:4:\d+\)\n\s+at .*onRequest .*\[id\]\.ts:5:10/,
  );
  const calls = report?.in_progress as readonly Record<string, string>[];
  t.deepEqual(calls.map(({ request_id }) => request_id).sort(), ['loops', 'waits']);
  t.like(ending, { level: 'error', exit_code: 1 });
  t.is(await running.exited, 1);
  t.regex(running.output(), /nexthop: the event loop stands still; the process ends/);
});

test('a loop that ends after the report does not end the process', async (t) => {
  const end = join(await siteFolder(t, {}), 'end');
  const running = await serve(
    t,
    `import { existsSync } from 'node:fs';
    export function onRequest() { while (!existsSync(${JSON.stringify(end)})) Atomics.wait(cell, 0, 0, 20); return new Response('done'); }
    const cell = new Int32Array(new SharedArrayBuffer(4));`,
    { STALL_TIMEOUT: '4s' },
  );

  const response = fetch(`http://127.0.0.1:${running.port}/stall/7`);
  await complaints(running);
  await writeFile(end, '');

  t.is(await (await response).text(), 'done');
  const [report, after] = await complaints(running, 2);
  t.like(report, { level: 'error', file: 'cloud-functions/stall/[id].ts', line: 2 });
  t.like(after, { level: 'warn', message: 'the event loop runs again' });
  t.is(running.child.exitCode, null);
});

test.serial(
  'native code that does not return is reported with the calls in progress, and the process ends',
  async (t) => {
    const running = await serve(
      t,
      'import { execSync } from "node:child_process";\nexport function onRequest() { execSync("sleep 60"); }',
      { STALL_TIMEOUT: '4s' },
    );
    send(running, '/wait', 'waits');
    // Longer than two beats.
    await (await fetch(`http://127.0.0.1:${running.port}/soon`)).text();
    send(running, '/stall/7', 'execs');

    const [report, ending] = await complaints(running, 2);
    t.regex(
      String(report?.message),
      /stands still in native code.*; the call that began last is one of cloud-functions\/stall\/\[id\]\.ts$/,
    );
    t.like(report, { target: 'cloud-functions/stall/[id].ts', route: '/stall/:id', request_id: 'execs' });
    const calls = report?.in_progress as readonly Record<string, string>[];
    t.true(calls.some(({ request_id }) => request_id === 'waits'));
    t.like(ending, { exit_code: 1 });
    t.is(await running.exited, 'SIGKILL');
  },
);

(process.getuid?.() === 0 ? test : test.skip)(
  'native code that does not return ends the first process of a container, too (as root only)',
  async (t) => {
    const site = await siteFolder(t, {
      'cloud-functions/exec.js':
        'import { execSync } from "node:child_process";\nexport function onRequest() { execSync("exec sleep 60"); }',
    });
    const running = await startNexthop(t, {
      site,
      env: { STALL_TIMEOUT: '4s' },
      under: ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'],
    });
    send(running, '/exec', 'execs');

    t.is((await complaints(running, 2))[1]?.pid, 1);
    t.is(await running.exited, 'SIGSEGV');
  },
);

/** Its first thread does not begin before the server could listen. */
const SLOW_THREAD = `const { isMainThread } = require('node:worker_threads');
  if (!isMainThread) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000);`;

test.serial('SIGTERM ends a process whose event loop stands still, within DRAIN_TIMEOUT and a second', async (t) => {
  const NODE_OPTIONS = `--require=${join(await siteFolder(t, { 'slow.cjs': SLOW_THREAD }), 'slow.cjs')}`;
  const running = await serve(t, NAPS, { STALL_TIMEOUT: '100s', DRAIN_TIMEOUT: '1s', NODE_OPTIONS });
  send(running, '/stall/7', 'loops');
  await running.said(/it stands still/);

  const sentAtMs = performance.now();
  running.child.kill('SIGTERM');

  // By SIGKILL if the process gets too little processor time to end by itself.
  t.true([143, 'SIGKILL'].includes(await running.exited));
  t.true(performance.now() - sentAtMs >= 1000);
  t.true(performance.now() - sentAtMs < SOON_MS);
  t.like((await complaints(running)).at(-1), { level: 'error' });
});

test.serial('a second Ctrl-C ends a process whose event loop stands still at once', async (t) => {
  const running = await serve(t, NAPS, { STALL_TIMEOUT: '100s', DRAIN_TIMEOUT: '100s' });
  send(running, '/stall/7', 'loops');
  await running.said(/it stands still/);

  const keys = setInterval(() => running.child.kill('SIGINT'), 500);
  t.teardown(() => clearInterval(keys));

  t.is(await running.exited, 130);
});

test('code that never returns while it is loaded is reported, and the process ends', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/a.js':
      'for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) Atomics.wait(cell, 0, 0, 20);\nexport const onRequest = () => {};',
  });
  const running = await runNexthop(t, { site, env: { STALL_TIMEOUT: '4s' } });

  t.is(await running.exited, 1);
  t.like((await complaints(running, 2))[0], { file: 'cloud-functions/a.js', line: 1, target: 'cloud-functions/a.js' });
});

test.serial('STALL_TIMEOUT=0 has no watchdog: a loop that ends is not reported', async (t) => {
  const running = await serve(
    t,
    'export function onRequest() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000); return new Response("done"); }',
    { STALL_TIMEOUT: '0' },
  );

  t.is(await (await fetch(`http://127.0.0.1:${running.port}/stall/7`)).text(), 'done');
  running.child.kill('SIGTERM');

  t.is(await running.exited, 0);
  t.deepEqual(await complaints(running, 0), []);
});

test.serial('a server whose watchdog cannot run says so once and serves', async (t) => {
  const code = `if (!require('node:worker_threads').isMainThread) throw new Error('no threads here')`;
  const NODE_OPTIONS = `--require=${join(await siteFolder(t, { 'no-threads.cjs': code }), 'no-threads.cjs')}`;
  const running = await serve(t, 'export const onRequest = () => new Response("served");', { NODE_OPTIONS });

  t.is(await (await fetch(`http://127.0.0.1:${running.port}/stall/7`)).text(), 'served');
  running.child.kill('SIGTERM');

  t.is(await running.exited, 0);
  const [{ message }, ...others] = (await complaints(running)) as [Record<string, unknown>];
  t.regex(String(message), /^the watchdog cannot run, .*: no threads here$/);
  t.deepEqual(others, []);
});

test.serial('responses that were complete before the loop arrive, though the watchdog ends the process', async (t) => {
  const running = await serve(
    t,
    `import { writeSync } from 'node:fs';
    const cell = new Int32Array(new SharedArrayBuffer(4));
    export function onRequest({ params }) {
      if (params.id === 'quick') return new Response('quick');
      writeSync(2, params.id + ' begins\\n');
      do Atomics.wait(cell, 0, 0, 500); while (params.id === 'ever');
      return new Response(params.id);
    }`,
    { STALL_TIMEOUT: '6s', WORKERS: '0' },
  );
  const connectTo = async () => {
    const socket = connect(running.port, '127.0.0.1').setEncoding('utf8');
    t.teardown(() => socket.destroy());
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    await once(socket, 'connect');
    const ask = (id: string) => void socket.write(`GET /stall/${id} HTTP/1.1\r\nHost: x\r\n\r\n`);
    return { ask, answers: () => text.split('quick').length - 1, closed: once(socket, 'close') };
  };
  const first = await connectTo();
  const others = await Promise.all(Array.from({ length: 12 }, connectTo));
  const last = await connectTo();
  // Compiled code answers so fast that responses are held.
  for (let round = 1; round <= 200; round++) {
    for (const { ask } of others) ask('quick');
    await untilResult(async () => others.every(({ answers }) => answers() === round), Boolean);
  }

  // All of these are read in one turn, after the pause.
  first.ask('pause');
  await running.said(/pause begins/);
  for (const { ask } of others) ask('quick');
  last.ask('ever');
  await running.said(/ever begins/);
  await Promise.all(others.map(({ closed }) => closed));

  t.is(await running.exited, 1);
  t.deepEqual(
    others.map(({ answers }) => answers()),
    others.map(() => 201),
  );
});
