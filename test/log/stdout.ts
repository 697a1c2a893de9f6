import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { logFolder } from '../helpers/log-folder.ts';
import { startLogProcess } from '../helpers/log-process.ts';

test('every line of error.log is written to stderr and to the file', async (t) => {
  const folder = await logFolder(t);
  const running = startLogProcess(t, "log.info('a line'); await log.close(2000); process.exit(0);", {
    ...folder,
    stdout: true,
  });

  const output = await text(running.child.stderr);

  t.is(output, await folder.read('error.log'));
  t.is(JSON.parse(output).message, 'a line');
});

test('every access line is written to stdout and to the file', async (t) => {
  const folder = await logFolder(t);
  const running = startLogProcess(t, "access('/x'); await log.close(2000); process.exit(0);", {
    ...folder,
    stdout: true,
  });

  const output = await text(running.child.stdout);

  t.is(output, await folder.read('access.log'));
  t.is(JSON.parse(output).request, 'GET /x HTTP/1.1');
});

test('without a folder every line is written to stdout or stderr, and no file is created', async (t) => {
  const running = startLogProcess(
    t,
    "log.error('a line'); access('/x'); log.reopen(); await log.close(2000); process.exit(0);",
    { dir: '' },
  );

  const [out, errors] = await Promise.all([text(running.child.stdout), text(running.child.stderr)]);

  t.is(await running.exited, 0);
  t.is(JSON.parse(out).request, 'GET /x HTTP/1.1');
  t.is(JSON.parse(errors).message, 'a line');
});

test('when the reader of stdout ends, only the copying ends, and the file has all lines', async (t) => {
  const folder = await logFolder(t);
  const running = startLogProcess(
    t,
    `
    await go;
    for (let number = 0; number < 1000; number++) {
      log.info('a line');
      if (number % 100 === 0) await new Promise(setImmediate);
    }
    await log.close(2000);
    process.exit(0);`,
    { ...folder, stdout: true },
  );
  running.child.stderr.destroy();
  running.child.send('go');

  t.is(await running.exited, 0);
  t.is((await folder.lines('error.log')).length, 1000);
});

test('a slow reader of stdout delays neither the process nor the file, and its waiting lines are bounded', async (t) => {
  const folder = await logFolder(t);
  const running = startLogProcess(
    t,
    `
    const { statSync } = await import('node:fs');
    for (let number = 1; number <= 3000; number++) {
      log.info('x'.repeat(4000));
      // The file takes all lines without the reader. On a loaded machine more of them would wait than may wait for a slow disk.
      while (number % 500 === 0 && statSync(${JSON.stringify(join(folder.dir, 'error.log'))}).size < number * 4000) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    if (process.stderr.writableLength > 8_000_000) process.exit(9);
    await log.close(500);
    process.exit(0);`,
    { ...folder, stdout: true },
  );

  t.is(await running.exited, 0);
  t.is((await folder.lines('error.log')).length, 3000);
});
