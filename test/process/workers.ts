import { readdir, readFile, readlink, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { listeningPorts } from '../helpers/listening-sockets.ts';
import { PATIENCE_MS, SOON_MS } from '../helpers/patience.ts';
import { type RunningProcess, runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const FILES = {
  'cloud-functions/pid.js': 'export const onRequest = () => new Response(String(process.pid));',
  'cloud-functions/slow.js': `export async function onRequest() {
    await new Promise((resolve) => setTimeout(resolve, 500));
    return new Response('done');
  }`,
  'cloud-functions/loop.js': 'export function onRequest() { for (;;); }',
  'cloud-functions/leak.js': `const held = [];
    export function onRequest() {
      const more = new Array(1_000_000).fill(1.5);
      // More than WORKER_MEMORY_LIMIT, and less than V8 ends the worker at.
      if (process.memoryUsage().heapUsed < 212 * 2 ** 20) held.push(more);
      return new Response(String(process.pid));
    }`,
  'cloud-functions/bomb.js':
    'export function onRequest() { for (const held = []; ; ) held.push(new Array(100_000).fill(1.5)); }',
  'cloud-functions/channel.js': `import cluster from 'node:cluster';
    export function onRequest() {
      process.disconnect?.();
      return Response.json({ send: typeof process.send, isPrimary: cluster.isPrimary });
    }`,
};

/** Resolves when all workers listen. */
async function serve(t: ExecutionContext, workers: number, env: Readonly<Record<string, string>> = {}) {
  const running = await startNexthop(t, {
    site: await siteFolder(t, FILES),
    env: { WORKERS: String(workers), ...env },
  });
  await untilListening(running, workers);
  // A worker that is left over would hold the pipes of the process.
  t.teardown(async () => {
    for (const pid of await childrenOf(running.pid).catch(() => [])) process.kill(pid, 'SIGKILL');
  });
  return running;
}

test.serial('several workers answer on PORT, alone, and code of the site sees none of that', async (t) => {
  const running = await serve(t, 2);
  const workers = await childrenOf(running.pid);

  const answering = await untilAnswers(running, 2);
  t.deepEqual(answering, workers.toSorted());
  for (const pid of [running.pid, ...workers]) t.deepEqual(listeningPorts(pid), [running.port]);
  t.deepEqual(await (await request(running, '/channel')).json(), { send: 'undefined', isPrimary: true });
  t.deepEqual(await untilAnswers(running, 2), answering);
  t.is(running.output().match(/listens on/g)?.length, 1);
});

test.serial('a worker that dies is replaced while the other one answers', async (t) => {
  const running = await serve(t, 2);
  const [first = 0, second = 0] = await childrenOf(running.pid);

  process.kill(first, 'SIGKILL');
  for (let n = 0; n < 20; n++) t.is(await (await request(running, '/pid')).text(), String(second));

  const [line] = await complaints(running);
  t.like(line, { level: 'error', worker_pid: first, signal: 'SIGKILL', again_in_ms: 100 });
  const answering = await untilAnswers(running, 2);
  t.true(answering.includes(second) && !answering.includes(first));
});

test.serial('while the only worker starts again, connections wait and are not refused', async (t) => {
  const running = await serve(t, 1);
  const [worker = 0] = await childrenOf(running.pid);

  process.kill(worker, 'SIGKILL');
  await untilResult(
    () => childrenOf(running.pid),
    (pids) => !pids.includes(worker),
  );

  t.not(await (await request(running, '/pid')).text(), String(worker));
});

test.serial('when the supervisor is killed, its workers end, also one whose event loop stands still', async (t) => {
  const running = await serve(t, 2, { STALL_TIMEOUT: '100s' });
  const workers = await childrenOf(running.pid);
  await startLoop(running);

  running.child.kill('SIGKILL');

  await untilResult(
    () => livingOf(workers),
    ({ length }) => length === 0,
  );
  t.is(await running.exited, 'SIGKILL');
});

test.serial('SIGTERM drains all workers, and the process ends with 0', async (t) => {
  const running = await serve(t, 2);
  const slow = request(running, '/slow');
  // It has arrived when this one has.
  await untilAnswers(running, 1);

  running.child.kill('SIGTERM');

  t.is(await (await slow).text(), 'done');
  t.is(await running.exited, 0);
  t.is(running.output().match(/SIGTERM: finishing/g)?.length, 1);
});

test.serial('SIGTERM ends the whole tree within DRAIN_TIMEOUT and a second, with a worker that loops', async (t) => {
  const running = await serve(t, 2, { STALL_TIMEOUT: '0', DRAIN_TIMEOUT: '1s' });
  const workers = await childrenOf(running.pid);
  await startLoop(running);

  const sentAtMs = performance.now();
  running.child.kill('SIGTERM');

  t.is(await running.exited, 143);
  t.true(performance.now() - sentAtMs >= 1000);
  t.true(performance.now() - sentAtMs < SOON_MS);
  t.deepEqual(await livingOf(workers), []);
});

test.serial('a second Ctrl-C ends all workers at once', async (t) => {
  const running = await serve(t, 2, { STALL_TIMEOUT: '0', DRAIN_TIMEOUT: '100s' });
  const workers = await childrenOf(running.pid);
  await startLoop(running);

  const keys = setInterval(() => running.child.kill('SIGINT'), 500);
  t.teardown(() => clearInterval(keys));

  t.is(await running.exited, 130);
  t.deepEqual(await livingOf(workers), []);
});

test.serial('SIGUSR2 makes all workers write to the new log files', async (t) => {
  const running = await serve(t, 2);
  const path = join(running.logDir, 'access.log');
  await untilAnswers(running, 2);
  await rename(path, `${path}.1`);

  running.child.kill('SIGUSR2');

  const open = async () => (await Promise.all((await childrenOf(running.pid)).map(filesOf))).flat();
  await untilResult(
    open,
    (files) => files.filter((file) => file === path).length === 2 && !files.includes(`${path}.1`),
  );
  t.pass();
});

test.serial('a worker above WORKER_MEMORY_LIMIT is replaced without losing a request', async (t) => {
  const running = await serve(t, 1, { WORKER_MEMORY_LIMIT: '200m' });
  const { port } = running;
  const seen = new Set<string>();
  const begunAtMs = performance.now();
  while (seen.size < 3 && performance.now() - begunAtMs < PATIENCE_MS) {
    const response = await fetch(`http://127.0.0.1:${port}/leak`);
    t.is(response.status, 200);
    seen.add(await response.text());
    await delay(20);
  }

  t.is(seen.size, 3);
  const lines = await complaints(running);
  t.like(lines[0], { level: 'warn', limit_bytes: 200 * 2 ** 20 });
  t.deepEqual(
    lines.filter(({ level }) => level === 'error'),
    [],
  );
});

test.serial('a function that takes all memory ends its worker alone', async (t) => {
  const running = await serve(t, 2, { WORKER_MEMORY_LIMIT: '100m' });
  const workers = await childrenOf(running.pid);

  const bomb = t.throwsAsync(request(running, '/bomb'));
  await untilResult(
    () => childrenOf(running.pid),
    (pids) => !workers.every((pid) => pids.includes(pid)),
  );
  t.true(workers.includes(Number(await (await request(running, '/pid')).text())));
  await bomb;
  t.like((await complaints(running))[0], { level: 'error', signal: 'SIGABRT' });
});

test.serial('nexthop reload and SIGHUP give each worker the new site', async (t) => {
  const site = await siteFolder(t, { ...FILES, 'cloud-functions/text.js': toText('old') });
  const running = await startNexthop(t, { site, env: { WORKERS: '2' } });
  await untilListening(running, 2);
  const texts = async () => {
    const answers: Record<string, string> = {};
    while (Object.keys(answers).length < 2) {
      const [pid = '', text = ''] = (await (await request(running, '/text')).text()).split(' ');
      answers[pid] = text;
    }
    return Object.values(answers);
  };
  await writeFile(join(site, 'cloud-functions/text.js'), toText('new'));

  const command = await runNexthop(t, { args: ['reload', site] });

  t.is(await command.exited, 0, command.output());
  t.regex(command.output(), /^reloaded .*: 7 routes in [\d.]+ s\n$/);
  t.deepEqual(await texts(), ['new', 'new']);

  await writeFile(join(site, 'cloud-functions/text.js'), toText('newest'));
  running.child.kill('SIGHUP');
  await running.said(/reloaded[\s\S]*reloaded/);
  t.deepEqual(await texts(), ['newest', 'newest']);
  t.is(running.output().match(/reloaded/g)?.length, 2);
});

function toText(text: string): string {
  return `export const onRequest = () => new Response(process.pid + ' ${text}');`;
}

test.serial('what prevents the start is printed once, with the exit code of one process', async (t) => {
  const other = await startNexthop(t);
  const cases = [
    { env: { PORT: String(other.port) }, code: 1, message: /PORT is taken/g },
    { env: { NEXT_HOP: 'ftp://x' }, code: 78, message: /NEXT_HOP must be/g },
    { env: { LOG_DIR: '/proc/none' }, code: 1, message: /LOG_DIR: cannot write/g },
    { env: {}, args: ['start', '/no/such/site'], code: 1, message: /\/no\/such\/site/g },
  ];
  for (const { env, args, code, message } of cases) {
    const failed = await runNexthop(t, { env: { WORKERS: '2', ...env }, ...(args && { args }) });

    t.is(await failed.exited, code, failed.output());
    t.is(failed.output().match(message)?.length, 1, failed.output());
  }
});

/** On a connection of its own. */
function request({ port }: RunningProcess, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
}

/** Resolves when the event loop of a worker stands still: it has used half a second of processor time. */
async function startLoop(running: RunningProcess): Promise<void> {
  const workers = await childrenOf(running.pid);
  const read = () => Promise.all(workers.map(processorTicks));
  const before = await read();
  fetch(`http://127.0.0.1:${running.port}/loop`).catch(() => {});
  await untilResult(read, (ticks) => ticks.some((each, at) => each - (before[at] ?? 0) > 50));
}

/** User time in hundredths of a second (proc(5)). */
async function processorTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[12]);
}

/** Sends requests until this many workers have answered one. Resolves with their ids. */
async function untilAnswers(running: RunningProcess, count: number): Promise<readonly number[]> {
  const seen = new Set<number>();
  return untilResult(
    async () => [...seen.add(Number(await (await request(running, '/pid')).text()))].toSorted(),
    ({ length }) => length >= count,
  );
}

async function untilListening(running: RunningProcess, workers: number): Promise<void> {
  const read = () => readFile(join(running.logDir, 'error.log'), 'utf8');
  await untilResult(
    read,
    (text) => (text.match(/"message":"(?:listening|another worker listens)"/g)?.length ?? 0) >= workers,
  );
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

/** Those of these processes that have not ended. A zombie has. */
async function livingOf(pids: readonly number[]): Promise<readonly number[]> {
  const states = await Promise.all(
    pids.map((pid) =>
      readFile(`/proc/${pid}/stat`, 'utf8').then(
        (stat) => stat.slice(stat.lastIndexOf(')') + 2)[0],
        () => 'Z',
      ),
    ),
  );
  return pids.filter((_, at) => states[at] !== 'Z');
}

async function filesOf(pid: number): Promise<readonly string[]> {
  const fds = await readdir(`/proc/${pid}/fd`);
  return Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
}
