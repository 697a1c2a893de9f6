import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startLogProcess } from '../helpers/log-process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

test('access lines of several processes do not mix in a file, however long they are', async (t) => {
  const dir = await siteFolder(t, {});
  const names = ['a', 'b', 'c'];
  const script = (name: string) => `
    process.send('ready');
    await go;
    for (let n = 0; n < 400; n++) {
      access('/${name}?' + n + '-' + '${name}'.repeat((n * 7919) % 60_000));
      if (n % 7 === 0) await new Promise(setImmediate);
    }
    await log.close(10_000);
    process.exit(0);`;
  const processes = names.map((name) => startLogProcess(t, script(name), { dir }));
  await Promise.all(processes.map((each) => each.said('ready')));

  for (const { child } of processes) child.send('go');
  for (const { exited } of processes) t.is(await exited, 0);

  const lines = (await readFile(join(dir, 'access.log'), 'utf8')).split('\n');
  t.is(lines.pop(), '');
  const targets = lines.map((line) => String(JSON.parse(line).request).split(' ')[1] ?? '');
  t.is(targets.length, 1200);
  for (const target of targets) t.regex(target, /^\/([abc])\?\d+-\1*$/);
});
