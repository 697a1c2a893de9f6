import { readdir, readlink, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { killProcess } from '../helpers/kill-process.ts';
import { listeningPorts } from '../helpers/listening-sockets.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';
import {
  childrenOf,
  endWorkers,
  livingOf,
  request,
  serveWithWorkers as serve,
  startLoop,
  untilAnswers,
  untilListening,
  WORKER_SITE,
} from '../helpers/worker-processes.ts';

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

  killProcess(first, 'SIGKILL');
  for (let n = 0; n < 20; n++) t.is(await (await request(running, '/pid')).text(), String(second));

  const [line] = await complaints(running);
  t.like(line, { level: 'error', worker_pid: first, signal: 'SIGKILL', again_in_ms: 100 });
  const answering = await untilAnswers(running, 2);
  t.true(answering.includes(second) && !answering.includes(first));
});

test.serial('while the only worker starts again, connections wait and are not refused', async (t) => {
  const running = await serve(t, 1);
  const [worker = 0] = await childrenOf(running.pid);

  killProcess(worker, 'SIGKILL');
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

test.serial('SIGTERM while another worker still starts ends the process with 0', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/a.js': `import { existsSync, writeFileSync } from 'node:fs';
      const isFirst = !existsSync(process.env.LEDGER);
      writeFileSync(process.env.LEDGER, '');
      if (!isFirst) await new Promise(() => {});
      export const onRequest = () => new Response();`,
  });
  const running = await runNexthop(t, { site, env: { WORKERS: '2', LEDGER: join(site, 'ledger') } });
  await running.said(/listens on/);

  running.child.kill('SIGTERM');

  t.is(await running.exited, 0);
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

test.serial('lines of several workers on one pipe do not mix, however long they are', async (t) => {
  const running = await serve(t, 2, { LOG_STDOUT: '1', HEADER_LIMIT: '64k' });
  const long = 'x'.repeat(30_000);
  const workers = new Set<string>();
  let sent = 0;
  // On a loaded machine one worker may accept all connections of a round.
  await untilResult(
    async () => {
      const requests = Array.from({ length: 200 }, () => request(running, `/pid?${sent++}-${long}`));
      for (const response of await Promise.all(requests)) workers.add(await response.text());
      return workers.size;
    },
    (size) => size === 2,
  );
  running.child.kill('SIGTERM');
  t.is(await running.exited, 0);

  const lines = running.stdout().split('\n');
  const numbers = lines
    .filter((line) => line.startsWith('{'))
    .map((line) => {
      const { request: asked } = JSON.parse(line) as { readonly request: string };
      return Number(/\?(\d+)-/.exec(asked)?.[1]);
    });
  t.deepEqual(
    numbers.toSorted((one, other) => one - other),
    Array.from({ length: sent }, (_, n) => n),
  );
});

test.serial('nexthop reload and SIGHUP give each worker the new site', async (t) => {
  const site = await siteFolder(t, { ...WORKER_SITE, 'cloud-functions/text.js': toText('old') });
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
  t.regex(command.output(), /^reloaded .*: 10 routes in [\d.]+ s\n$/m);
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

async function filesOf(pid: number): Promise<readonly string[]> {
  const fds = await readdir(`/proc/${pid}/fd`);
  return Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
}

test.serial('a first worker that hangs in the start of Node is reported on the terminal', async (t) => {
  const site = await siteFolder(t, {
    'a.html': 'a',
    'hang.mjs': 'if (process.send) for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
  });
  const running = await runNexthop(t, {
    args: ['start', site],
    env: { WORKERS: '1', NODE_OPTIONS: `--import=${join(site, 'hang.mjs')}` },
  });
  endWorkers(t, running);

  const [, pid] = await running.said(
    /nexthop: a worker \(process (\d+)\) does not serve after 10 seconds: Node has not started, maybe because of what NODE_OPTIONS names \(--import=.*hang\.mjs\)/,
  );
  t.deepEqual(await childrenOf(running.pid), [Number(pid)]);
});
