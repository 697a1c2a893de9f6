import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import test from 'ava';
import { withExchange } from '../helpers/exchange.ts';
import { logFolder } from '../helpers/log-folder.ts';
import { startLogProcess } from '../helpers/log-process.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { until } from '../helpers/until.ts';

test('a full disk throws nothing, and the other log has one line about it', async (t) => {
  const folder = await logFolder(t);
  await symlink('/dev/full', folder.path('access.log'));
  const log = folder.open();
  const { exchange } = await withExchange(t, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');

  for (let line = 0; line < 200; line++) log.access(exchange);
  await until(() => read(folder.path('error.log')).includes('ENOSPC'), 'the error in error.log');
  for (let line = 0; line < 200; line++) log.access(exchange);
  await log.close(600);

  const lines = await folder.lines('error.log');
  t.is(lines.length, 1);
  t.like(lines[0], { level: 'error', path: folder.path('access.log'), error: { code: 'ENOSPC' } });
});

test('a log on a full disk closes at its deadline', async (t) => {
  const folder = await logFolder(t);
  await symlink('/dev/full', folder.path('error.log'));
  const log = folder.open();
  log.info('a line');

  const before = performance.now();
  await log.close(300);

  const took = performance.now() - before;
  t.true(took >= 290 && took < SOON_MS, `it took ${took} ms`);
});

test('close, write and reopen have no effect on a closed log', async (t) => {
  const folder = await logFolder(t);
  const log = folder.open();
  log.info('before');
  await log.close(2000);

  log.info('after');
  log.reopen();
  await log.close(2000);

  t.like(await folder.lines('error.log'), [{ message: 'before' }]);
});

test('writing resumes when there is space again, and the line that was cut is completed', async (t) => {
  const folder = await logFolder(t);
  const script = `
    for (let number = 0; number < 200; number++) access('/' + number);
    await go;
    for (let number = 200; number < 300; number++) access('/' + number);
    await log.close(8000);
    process.exit(0);`;
  const running = startLogProcess(t, script, { dir: folder.dir, fileLimitBytes: 20_000 });
  await until(() => read(folder.path('access.log')).length === 20_000, 'the disk to be full');

  execFileSync('prlimit', ['--pid', String(running.child.pid), '--fsize=unlimited']);
  await until(() => read(folder.path('access.log')).split('\n').length > 200, 'the waiting lines to be written');
  running.child.send('go');
  t.is(await running.exited, 0);

  t.deepEqual(
    (await folder.lines('access.log')).map(({ request }) => request),
    Array.from({ length: 300 }, (_, number) => `GET /${number} HTTP/1.1`),
  );
});

test('a full disk does not prevent a process from exiting, also without closing its log', async (t) => {
  const folder = await logFolder(t);
  await symlink('/dev/full', folder.path('error.log'));
  const start = (end: string): Promise<number | string> =>
    startLogProcess(t, `log.info('a line'); setTimeout(() => { log.info('another'); ${end} }, 400);`, folder).exited;

  t.deepEqual(await Promise.all([start('process.exit(7);'), start('process.disconnect();')]), [7, 0]);
});

test('a process that ends without closing its log, by exit or normally, has all its lines in the file', async (t) => {
  const folder = await logFolder(t);
  const byExit = startLogProcess(t, "log.info('by exit'); process.exit(0);", folder);
  const inPeace = startLogProcess(t, "log.info('in peace'); process.disconnect();", folder);
  await Promise.all([byExit.exited, inPeace.exited]);

  const lines = await folder.lines('error.log');
  t.deepEqual(lines.map(({ message }) => message).toSorted(), ['by exit', 'in peace']);
});

test('a process that continues after `beforeExit` can still write to its log', async (t) => {
  const folder = await logFolder(t);
  const script = `
    log.info('before');
    process.disconnect();
    process.once('beforeExit', () => setTimeout(() => log.info('after'), 100));`;

  t.is(await startLogProcess(t, script, folder).exited, 0);
  t.like(await folder.lines('error.log'), [{ message: 'before' }, { message: 'after' }]);
});

function read(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
