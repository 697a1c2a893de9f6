import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { choosePort } from '../../src/cli/dev.ts';
import { listenOnPort } from '../helpers/listen.ts';
import { runNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const answering = (text: string) =>
  `export const onRequest = () => { console.log('for ${text}'); return new Response('${text}'); };`;

test('dev uses a saved file at once, and ends the request in flight with the old one', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/a.js': answering('old'),
    'cloud-functions/slow.js': `export const onRequest = async () => {
      console.log('slow begins');
      while (!globalThis.mayEnd) await new Promise((resolve) => setTimeout(resolve, 5));
      return new Response('slow old'); };`,
    'cloud-functions/end.js':
      'export const onRequest = () => { globalThis.mayEnd = true; return new Response("ended"); };',
  });
  const running = await runNexthop(t, { args: ['dev', site], env: { LOG_DIR: '' } });
  await running.said(/keys/);
  const read = async (path: string) => (await fetch(`http://127.0.0.1:${running.port}${path}`)).text();

  const slow = read('/slow');
  await running.said(/in progress\n {2}│ slow begins/);
  await writeFile(join(site, 'cloud-functions/a.js'), answering('new'));
  await running.said(/reloaded cloud-functions\/a\.js in .* ms\n/);

  // The write may be seen in two steps.
  await untilResult(
    () => read('/a'),
    (text) => text === 'new',
  );
  await read('/end');
  t.is(await slow, 'slow old');
  await running.said(/GET \/a +200 .*\n {2}│ for new\n/);
  running.child.kill('SIGINT');
  t.is(await running.exited, 0);
  // Colours are for a terminal.
  t.false(running.output().includes('\x1b'));
});

const HOST = '127.0.0.1';

test('another port than the default is used if that is taken', async (t) => {
  const taken = await listenOnPort(t, createServer());

  const chosen = await choosePort({ PORT: taken, HOST, given: new Set() });

  t.true(chosen.PORT > taken);
  t.is(chosen.wasTaken, taken);
});

test('a port that was asked for is not replaced', async (t) => {
  const taken = await listenOnPort(t, createServer());

  const chosen = await choosePort({ PORT: taken, HOST, given: new Set(['PORT']) });

  t.deepEqual(chosen, { PORT: taken, wasTaken: undefined });
});
