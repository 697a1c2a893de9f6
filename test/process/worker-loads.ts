import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { type RunningProcess, runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';
import { childrenOf, endWorkers, request } from '../helpers/worker-processes.ts';

const GOOD = 'export const onRequest = () => new Response("good");';
/** Never returns while it loads, and leaves the processor to other tests. */
const ENDLESS = `for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) Atomics.wait(cell, 0, 0, 20);
  export const onRequest = () => new Response();`;
const REPAIRED = 'export const onRequest = () => new Response("repaired");';
/** Ends its process as a crash does, without a call that the process guard sees. */
const DEADLY = `import { execFileSync } from 'node:child_process';
  execFileSync('kill', ['-KILL', String(process.pid)]);
  export const onRequest = () => new Response('never');`;

async function serve(t: ExecutionContext, bad: string, env: Readonly<Record<string, string>> = {}) {
  const site = await siteFolder(t, {
    'cloud-functions/bad.js': bad,
    'cloud-functions/good.js': GOOD,
    'cloud-functions/other.js': GOOD,
  });
  const running = await startNexthop(t, { site, env: { WORKERS: '1', DATA_DIR: join(site, 'data'), ...env } });
  endWorkers(t, running);
  return { running, site };
}

async function textOf(running: RunningProcess, path: string): Promise<string> {
  const response = await request(running, path);
  return response.status === 200 ? response.text() : String(response.status);
}

test.serial('a site with a file that ends its worker while it loads starts without that file', async (t) => {
  const { running, site } = await serve(t, DEADLY);

  t.deepEqual([await textOf(running, '/bad'), await textOf(running, '/good')], ['500', 'good']);
  t.regex(running.output(), /cloud-functions\/bad\.js.* ended its process while it loaded/);
  const lines = await complaints(running);
  const blamed = lines.filter(({ message }) => /a file ended its worker while it loaded/.test(String(message)));
  t.deepEqual(
    blamed.map(({ target }) => target),
    ['cloud-functions/bad.js'],
  );

  await writeFile(join(site, 'cloud-functions/bad.js'), REPAIRED);
  running.child.kill('SIGHUP');
  await untilResult(
    () => textOf(running, '/bad'),
    (text) => text === 'repaired',
  );
  t.pass();
});

test.serial('a file that never returns while it loads is left out, too', async (t) => {
  const { running } = await serve(t, ENDLESS, { STALL_TIMEOUT: '2s' });

  t.deepEqual([await textOf(running, '/bad'), await textOf(running, '/good')], ['500', 'good']);
});

test.serial(
  'after a reload to such a file, the worker that replaces the dead one runs the last good code',
  async (t) => {
    const { running, site } = await serve(t, REPAIRED);
    const [first = 0] = await childrenOf(running.pid);

    await writeFile(join(site, 'cloud-functions/bad.js'), DEADLY);
    running.child.kill('SIGHUP');
    await untilResult(
      () => childrenOf(running.pid),
      (pids) => !pids.includes(first),
    );

    t.deepEqual([await textOf(running, '/bad'), await textOf(running, '/good')], ['repaired', 'good']);
  },
);

test.serial('without workers, the second start after such a death is one without that file', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/bad.js': ENDLESS,
    'cloud-functions/good.js': GOOD,
  });
  const env = { WORKERS: '0', STALL_TIMEOUT: '2s', DATA_DIR: join(site, 'data') };
  for (let start = 0; start < 2; start++) t.not(await (await runNexthop(t, { site, env })).exited, 0);

  const running = await startNexthop(t, { site, env: { ...env, STALL_TIMEOUT: '60s' } });

  t.deepEqual([await textOf(running, '/bad'), await textOf(running, '/good')], ['500', 'good']);
});
