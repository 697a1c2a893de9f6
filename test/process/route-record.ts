import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

test('without workers, a route that was in progress at three deaths gets 503 after the next start', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/wait.js': 'export const onRequest = () => new Promise((resolve) => setTimeout(resolve, 60_000));',
    'cloud-functions/brief.js': 'export const onRequest = () => new Response("brief");',
  });
  const env = { DATA_DIR: join(site, 'data') };
  for (let death = 0; death < 3; death++) {
    const running = await startNexthop(t, { site, env });
    const url = `http://127.0.0.1:${running.port}`;
    t.is((await fetch(`${url}/brief`)).status, 200);
    fetch(`${url}/wait`).catch(() => {});
    const file = join(site, `data/control/${running.pid}.calls`);
    await untilResult(
      () => readFile(file, 'utf8').catch(() => ''),
      (text) => text.includes('wait.js'),
    );
    running.child.kill('SIGKILL');
    await running.exited;
  }

  const running = await startNexthop(t, { site, env });

  const refusal = await fetch(`http://127.0.0.1:${running.port}/wait`);
  t.is(refusal.status, 503);
  t.true(Number(refusal.headers.get('retry-after')) > 0);
  t.is((await fetch(`http://127.0.0.1:${running.port}/brief`)).status, 200);
  t.like(await complaints(running), [{ level: 'error', target: 'cloud-functions/wait.js', route: '/wait' }]);
});

test('calls in progress at an end by a signal are not blamed', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/wait.js': 'export const onRequest = () => new Promise((resolve) => setTimeout(resolve, 60_000));',
  });
  const running = await startNexthop(t, { site, env: { DATA_DIR: join(site, 'data'), DRAIN_TIMEOUT: '0' } });
  const file = join(site, `data/control/${running.pid}.calls`);
  fetch(`http://127.0.0.1:${running.port}/wait`).catch(() => {});
  await untilResult(
    () => readFile(file, 'utf8').catch(() => ''),
    (text) => text.includes('wait.js'),
  );

  running.child.kill('SIGTERM');

  t.is(await running.exited, 0);
  await t.throwsAsync(readFile(file), { code: 'ENOENT' });
});
