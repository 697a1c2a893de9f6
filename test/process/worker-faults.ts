import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { formSite } from '../helpers/form-site.ts';
import { killProcess } from '../helpers/kill-process.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { startNexthop } from '../helpers/process.ts';
import { untilResult } from '../helpers/until-result.ts';
import {
  childrenOf,
  endWorkers,
  request,
  serveWithWorkers as serve,
  startLoop,
  untilAnswers,
} from '../helpers/worker-processes.ts';

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

test.serial('a site that replaces JSON.stringify does not end the supervisor', async (t) => {
  const running = await serve(t, 2);
  const [first, second] = await childrenOf(running.pid);

  // Afterwards the other worker reports each call.
  killProcess(first, 'SIGKILL');
  await complaints(running);
  for (let n = 0; n < 40; n++) t.is((await request(running, '/patch')).status, 200);

  t.true((await childrenOf(running.pid)).includes(second ?? 0));
  t.is(running.child.exitCode, null);
});

test.serial(
  'a route that ends its worker three times gets 503 for a minute, and all others are answered, by the filter that waited for it',
  async (t) => {
    const guard = "export default (request, { next }) => next(); export const config = { path: '/*' };";
    const files = { 'netlify/edge-functions/all.js': guard };
    const running = await serve(t, 2, { WORKER_MEMORY_LIMIT: '100m' }, files);
    for (let death = 0; death < 3; death++) {
      await t.throwsAsync(request(running, '/bomb'));
      t.is((await request(running, '/pid')).status, 200);
    }
    const refusal = await untilResult(
      () => request(running, '/bomb').catch(() => undefined),
      (response) => response !== undefined,
    );

    t.is(refusal?.status, 503);
    t.regex(String(await refusal?.text()), /route_stopped/);
    const seconds = Number(refusal?.headers.get('retry-after'));
    t.true(seconds > 0 && seconds <= 60);
    await untilAnswers(running, 2);
    const lines = await complaints(running, 4);
    const stops = lines.filter(({ message }) => /gets 503/.test(String(message)));
    t.is(stops.length, 1);
    t.like(stops[0], { level: 'error', target: 'cloud-functions/bomb.js', route: '/bomb' });
  },
);

test.serial('a crash that is faster than any report is blamed on its route from the second one on', async (t) => {
  const running = await serve(t, 1);
  let deaths = 0;
  let response: Response | undefined;
  // On a loaded machine a request may arrive before the worker gets the message that stops the route: it ends one more worker.
  for (; !response && deaths < 10; deaths++) response = await request(running, '/crash').catch(() => undefined);

  t.is(response?.status, 503);
  t.true(deaths >= 4, `${deaths}`);
  t.is((await request(running, '/pid')).status, 200);
});

test.serial('a stalled worker is replaced when it is reported, and ends after twice the time', async (t) => {
  // Half of it is the time for the report to find the location of the loop.
  const running = await serve(t, 1, { STALL_TIMEOUT: '6s' });
  const [worker] = await childrenOf(running.pid);
  await startLoop(running);

  t.not(Number(await (await request(running, '/pid')).text()), worker);
  const lines = await complaints(running, 2);
  t.deepEqual(
    lines.map(({ file, exit_code, pid }) => [file ?? exit_code, pid === running.pid]),
    [
      ['cloud-functions/loop.js', false],
      [1, false],
    ],
  );
});

test.serial('a form is not stopped because its worker dies again and again while it is sent', async (t) => {
  const { folder } = await formSite(t, {
    'netlify/functions/hang.mjs': `import { writeSync } from 'node:fs';
      export default () => { writeSync(2, 'a call hangs\\n'); return new Promise(() => {}); };
      export const config = { path: '/hang' };`,
  });
  const running = await startNexthop(t, { site: folder, env: { WORKERS: '1' } });
  endWorkers(t, running);
  const countHanging = () => running.output().split('a call hangs').length;
  let stopped: Response | undefined;
  // The function shows when the deaths have been counted for all that is in progress.
  while (!stopped) {
    await untilResult(
      () => fetch(`http://127.0.0.1:${running.port}/index.html`).catch(() => undefined),
      (response) => response?.status === 200,
    );
    const form = connect(running.port, '127.0.0.1').on('error', () => {});
    t.teardown(() => form.destroy());
    form.write(`POST /contact HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n`);
    form.write('Content-Length: 99\r\n\r\nform-name=contact&name=Ada');
    const before = countHanging();
    const call = request(running, '/hang').then(
      (response) => ({ response }),
      () => ({ response: undefined }),
    );
    await Promise.race([call, untilResult(async () => countHanging() > before, Boolean)]);
    if (countHanging() > before) for (const pid of await childrenOf(running.pid)) killProcess(pid, 'SIGKILL');
    stopped = (await call).response;
  }
  t.is(stopped.status, 503);

  const body = new URLSearchParams({ 'form-name': 'contact', name: 'Ada' });
  const sent = await fetch(`http://127.0.0.1:${running.port}/contact`, { method: 'POST', body, redirect: 'manual' });
  t.is(sent.status, 303);
});
