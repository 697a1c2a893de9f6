import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { choosePort, spellReload, toUrl } from '../../src/cli/dev.ts';
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
  await running.said(/live page/);
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
  // Nothing was waited for.
  t.notRegex(running.output(), /finishing running requests/);
  // Colours are for a terminal.
  t.false(running.output().includes('\x1b'));
});

test('dev prints an error of the site once, and again if it was mended meanwhile', async (t) => {
  const bad = 'export const onRequest = ( => 1;';
  const site = await siteFolder(t, { 'cloud-functions/a.js': answering('a'), 'cloud-functions/bad.js': bad });
  const running = await runNexthop(t, { args: ['dev', site], env: { LOG_DIR: '' } });
  await running.said(/live page/);
  const save = (file: string, text: string) => writeFile(join(site, 'cloud-functions', file), text);
  const countPrinted = () => running.output().split('error    cloud-functions/bad.js:1:28').length - 1;
  await running.said(/error {4}cloud-functions\/bad\.js:1:28/);

  await save('a.js', answering('b'));
  await running.said(/reloaded cloud-functions\/a\.js in .*, with 1 error as before: cloud-functions\/bad\.js:1:28\n/);
  t.is(countPrinted(), 1);
  await save('bad.js', answering('mended'));
  await running.said(/reloaded cloud-functions\/bad\.js in \d+ ms\n/);
  await save('bad.js', bad);
  await running.said(/reloaded cloud-functions\/bad\.js in \d+ ms, with 1 error\n/);

  t.is(countPrinted(), 2);
});

test('dev reads a file again that was saved while the site was read', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/a.js': answering('old'),
    // It is loaded after the text of all files has been read.
    'cloud-functions/saving.js': `import { readFileSync, writeFileSync } from 'node:fs';
      const file = 'cloud-functions/a.js';
      const text = readFileSync(file, 'utf8');
      if (text.includes('old')) writeFileSync(file, text.replaceAll('old', 'new'));
      export const onRequest = () => new Response('');`,
  });

  const running = await runNexthop(t, { args: ['dev', site], env: { LOG_DIR: '' } });
  await running.said(/reloaded cloud-functions\/a\.js in /);

  t.is(await (await fetch(`http://127.0.0.1:${running.port}/a`)).text(), 'new');
});

test('dev counts routes and files as a start does, and names no keys without a terminal', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/a.js': answering('a'),
    'public/index.html': 'home',
    'public/docs/a.html': 'a',
    'public/b.css': '',
    // Its URL exists in development only.
    'netlify/functions/nightly.mjs': "export default () => {}; export const config = { schedule: '@daily' };",
  });

  const [running, started] = await Promise.all([
    runNexthop(t, { args: ['dev', site], env: { LOG_DIR: '' } }),
    runNexthop(t, { args: ['start', site] }),
  ]);
  await Promise.all([running.said(/live page/), started.said(/logs/)]);

  // Any function of Netlify brings the route of images.
  for (const each of [running, started]) t.regex(each.output(), /site +\/.*, 2 routes, 3 files\n/);
  t.notRegex(running.output(), /keys/);
});

for (const [problems, known, expected] of [
  [1, 0, ', with 1 error'],
  [5, 4, ', with 5 errors, 4 of them as before: f0.js:1, f1.js:1, f2.js:1 and 1 more'],
  [2, 2, ', with 2 errors as before: f0.js:1, f1.js:1'],
  [0, 0, ''],
] as const) {
  test(`a reload with ${problems} errors, of which ${known} are known, ends with "${expected}"`, (t) => {
    const all = Array.from({ length: problems }, (_, at) => ({
      ...{ severity: 'error' as const, message: 'm', file: `f${at}.js`, line: 1 },
    }));
    const reload = { state: 'exchanged', routes: 1, files: 0, tookMs: 7, problems: all } as const;

    t.is(spellReload(reload, ['a.js'], all.slice(0, known)), `reloaded a.js in 7 ms${expected}`);
  });
}

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

for (const [HOST, hasCertificate, url] of [
  ['127.0.0.1', false, 'http://localhost:8080'],
  ['', false, 'http://localhost:8080'],
  ['::1', true, 'https://localhost:8080'],
  ['192.0.2.7', false, 'http://192.0.2.7:8080'],
  ['2001:db8::7', true, 'https://[2001:db8::7]:8080'],
] as const) {
  test(`dev names ${url} for HOST=${HOST}${hasCertificate ? ' with a certificate' : ''}`, (t) => {
    const certificate = hasCertificate ? { cert: 'c.pem', key: 'k.pem' } : undefined;

    t.is(toUrl({ HOST, certificate } as Parameters<typeof toUrl>[0], 8080), url);
  });
}
