import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

/** Runs `nexthop dev` with a terminal, with programs in the only folder of PATH but for those of node. Returns it with the folder. */
async function develop(t: ExecutionContext, programs: Readonly<Record<string, string>>, flags: readonly string[] = []) {
  const site = await siteFolder(t, { 'cloud-functions/a.js': 'export const onRequest = () => new Response("a");' });
  const folder = await siteFolder(t, programs);
  for (const name of Object.keys(programs)) await chmod(join(folder, name), 0o755);
  const env = { LOG_DIR: '', PATH: folder, OPENED: join(folder, 'opened') };
  const running = await runNexthop(t, { args: ['dev', site, ...flags], env, hasTerminal: true });
  await running.said(/\? help/);
  return { running, opened: () => readFile(join(folder, 'opened'), 'utf8').catch(() => '') };
}

const BROWSER = '#!/bin/sh\necho "$@" > "$OPENED"\n';

test('--open opens the site in the browser', async (t) => {
  const { running, opened } = await develop(t, { 'xdg-open': BROWSER }, ['--open']);

  const url = await untilResult(opened, (text) => text !== '');

  t.is(url, `http://localhost:${running.port}\n`);
  t.notRegex(running.output(), /no browser/);
});

test('the key o opens the site in the browser', async (t) => {
  const { running, opened } = await develop(t, { 'xdg-open': BROWSER });

  running.child.stdin?.write('o');

  t.is(await untilResult(opened, (text) => text !== ''), `http://localhost:${running.port}\n`);
});

for (const [title, programs, reason] of [
  ['no program for it', {}, 'xdg-open is not installed'],
  ['a program that finds none', { 'xdg-open': '#!/bin/sh\nexit 3\n' }, 'xdg-open ended with exit code 3'],
] as const) {
  test(`with ${title}, --open and o print one line with the URL, and dev serves on`, async (t) => {
    const { running } = await develop(t, programs, ['--open']);
    const url = `http://localhost:${running.port}`;
    await running.said(/no browser/);

    running.child.stdin?.write('o');

    await running.said(/(?:no browser[\s\S]*){2}/);
    const lines = running
      .output()
      .split('\n')
      .filter((line) => line.includes('browser was'));
    const line = `no browser was opened: ${reason}; open ${url}`;
    t.deepEqual(
      lines.map((each) => each.trimEnd()),
      [line, line],
    );
    t.is(await (await fetch(`http://127.0.0.1:${running.port}/a`)).text(), 'a');
    running.child.stdin?.write('q');
    t.is(await running.exited, 0);
  });
}

test('dev ends when its terminal is closed, and gives the port back', async (t) => {
  const { running } = await develop(t, {});
  const isServed = () =>
    fetch(`http://127.0.0.1:${running.port}/a`).then(
      ({ ok }) => ok,
      () => false,
    );
  t.true(await isServed());

  // As a window of a terminal does, it sends SIGHUP and closes it.
  running.child.kill('SIGKILL');

  t.false(await untilResult(isServed, (is) => !is));
});
