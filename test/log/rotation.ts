import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import test from 'ava';
import type { Log } from '../../src/contract/log.ts';
import { LogError } from '../../src/contract/log.ts';
import { withExchange } from '../helpers/exchange.ts';
import { type LogFolder, logFolder } from '../helpers/log-folder.ts';
import { startLogProcess } from '../helpers/log-process.ts';
import { isOpen } from '../helpers/open-files.ts';
import { until } from '../helpers/until.ts';

function writeNumbers(log: Log, from: number, to: number): void {
  for (let number = from; number < to; number++) log.info('a line', { number });
}

async function numbersIn(folder: LogFolder, ...names: string[]): Promise<unknown[]> {
  const files = await Promise.all(names.map((name) => folder.lines(name)));
  return files.flat().map((line) => line.number);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

test('lines are written to the renamed file until the log is reopened, then to a new one, and none is lost', async (t) => {
  const folder = await logFolder(t);
  const log = folder.open();

  writeNumbers(log, 0, 500);
  await rename(folder.path('error.log'), folder.path('error.log.1'));
  writeNumbers(log, 500, 1000);
  log.reopen();
  writeNumbers(log, 1000, 1500);
  await log.close(2000);

  t.deepEqual(await numbersIn(folder, 'error.log.1'), upTo(1000));
  t.deepEqual(await numbersIn(folder, 'error.log.1', 'error.log'), upTo(1500));
});

test('access.log is rotated like error.log', async (t) => {
  const folder = await logFolder(t);
  const log = folder.open();
  const { exchange } = await withExchange(t, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n');

  log.access(exchange);
  await rename(folder.path('access.log'), folder.path('access.log.1'));
  log.reopen();
  log.access(exchange);
  await log.close(2000);

  t.is((await folder.lines('access.log.1')).length, 1);
  t.is((await folder.lines('access.log')).length, 1);
});

test('a hundred rotations lose nothing and leave no descriptor open', async (t) => {
  const folder = await logFolder(t);
  const log = folder.open();
  for (let round = 0; round < 100; round++) {
    writeNumbers(log, round * 10, round * 10 + 10);
    await rename(folder.path('error.log'), folder.path(`error.log.${round}`));
    log.reopen();
  }
  await log.close(2000);

  t.deepEqual(await numbersIn(folder, ...upTo(100).map((round) => `error.log.${round}`), 'error.log'), upTo(1000));
  t.deepEqual(
    upTo(100).filter((round) => isOpen(folder.path(`error.log.${round}`))),
    [],
  );
});

test('reopening a file that was not renamed continues in the same file', async (t) => {
  const folder = await logFolder(t);
  const log = folder.open();

  writeNumbers(log, 0, 10);
  log.reopen();
  writeNumbers(log, 10, 20);
  await log.close(2000);

  t.deepEqual(await numbersIn(folder, 'error.log'), upTo(20));
});

test('a file that was copied and truncated is written from its start', async (t) => {
  const folder = await logFolder(t);
  const log = folder.open();
  writeNumbers(log, 0, 10);
  await until(() => statSync(folder.path('error.log')).size > 0, 'the first lines');

  await writeFile(folder.path('error.log'), '');
  writeNumbers(log, 10, 20);
  await log.close(2000);

  t.deepEqual(await numbersIn(folder, 'error.log'), upTo(20).slice(10));
});

test('a file that cannot be opened again stays in use, and the other one is still rotated', async (t) => {
  const folder = await logFolder(t);
  const log = folder.open();
  await rename(folder.path('access.log'), folder.path('access.log.1'));
  await rename(folder.path('error.log'), folder.path('error.log.1'));
  await mkdir(folder.path('access.log'));

  const error = t.throws(() => log.reopen(), { instanceOf: LogError });
  const { exchange } = await withExchange(t, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  log.access(exchange);
  writeNumbers(log, 0, 1);
  await log.close(2000);

  t.true(error.message.startsWith(`LOG_DIR: cannot write "${folder.path('access.log')}" (EISDIR)`));
  t.is((await folder.lines('access.log.1')).length, 1);
  t.deepEqual(await numbersIn(folder, 'error.log'), [0]);
});

test('a folder that was removed is created again when the log is reopened', async (t) => {
  const folder = await logFolder(t);
  const log = folder.open();
  await rm(folder.dir, { recursive: true });

  log.reopen();
  writeNumbers(log, 0, 1);
  await log.close(2000);

  t.deepEqual(await numbersIn(folder, 'error.log'), [0]);
});

test('a symlink is followed', async (t) => {
  const folder = await logFolder(t);
  await symlink('elsewhere.log', folder.path('error.log'));
  const log = folder.open();

  writeNumbers(log, 0, 3);
  await log.close(2000);

  t.deepEqual(await numbersIn(folder, 'elsewhere.log'), [0, 1, 2]);
});

test('two processes that append to one file write complete lines', async (t) => {
  const folder = await logFolder(t);
  const script = `
    process.send('open');
    await go;
    for (let number = 0; number < 2000; number++) log.info('x'.repeat(number), { number });
    await log.close(5000);
    process.exit(0);`;
  const processes = [startLogProcess(t, script, folder), startLogProcess(t, script, folder)];
  await Promise.all(processes.map((each) => each.said('open')));
  for (const { child } of processes) child.send('go');
  await Promise.all(processes.map((each) => each.exited));

  const lines = await folder.lines('error.log');
  t.is(lines.length, 4000);
  for (const { child } of processes) {
    const own = lines.filter(({ pid }) => pid === child.pid).map(({ number }) => number);
    t.deepEqual(own, upTo(2000));
  }
});

test('logrotate rotates both files of a running process with a signal, and no line is lost', async (t) => {
  const folder = await logFolder(t);
  const running = startLogProcess(
    t,
    `
    process.on('SIGUSR2', () => {
      log.reopen();
      process.send('reopened');
    });
    for (let number = 0; number < 100; number++) log.info('a line', { number });
    process.send('written');
    await go;
    for (let number = 100; number < 200; number++) log.info('a line', { number });
    await log.close(5000);
    process.exit(0);`,
    folder,
  );
  await running.said('written');
  await writeFile(
    folder.path('rotate.conf'),
    `${folder.dir}/*.log {\n rotate 5\n ifempty\n sharedscripts\n postrotate\n kill -USR2 ${running.child.pid}\n endscript\n}\n`,
  );

  const reopened = running.said('reopened');
  await promisify(execFile)('/usr/sbin/logrotate', [
    '--force',
    '--state',
    folder.path('state'),
    folder.path('rotate.conf'),
  ]);
  await reopened;
  running.child.send('go');
  await running.exited;

  t.deepEqual(await numbersIn(folder, 'error.log.1'), upTo(100));
  t.deepEqual(await numbersIn(folder, 'error.log'), upTo(200).slice(100));
  t.is(await readFile(folder.path('access.log.1'), 'utf8'), '');
});
