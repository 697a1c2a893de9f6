import { execFile, execFileSync, spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { readFile, rename, symlink } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { withExchange } from '../helpers/exchange.ts';
import { type LogFolder, logFolder } from '../helpers/log-folder.ts';
import { isOpen } from '../helpers/open-files.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { until } from '../helpers/until.ts';

/** Creates a log folder in which `name` is a FIFO. */
async function fifoFolder(t: ExecutionContext, name: string): Promise<LogFolder> {
  const folder = await logFolder(t);
  execFileSync('mkfifo', [folder.path(name)]);
  return folder;
}

/** Starts to read a FIFO. Resolves with its content when all writers have closed it. */
function startReader(path: string): Promise<string> {
  return text(spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout);
}

function parse(output: string): Record<string, unknown>[] {
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

test("a FIFO without a reader blocks neither the start nor other files that Node's threads read", async (t) => {
  const folder = await fifoFolder(t, 'error.log');
  const log = folder.open();
  for (let number = 0; number < 2000; number++) log.info('x'.repeat(200), { number });

  // As many reads as threads, so every thread must be free.
  const reads = await Promise.all(Array.from({ length: 4 }, () => readFile(import.meta.filename, 'utf8')));

  t.is(reads.length, 4);
});

test('a late reader gets all lines complete and in order', async (t) => {
  const folder = await fifoFolder(t, 'error.log');
  const log = folder.open();
  for (let number = 0; number < 2000; number++) log.info('x'.repeat(number), { number });

  const reader = startReader(folder.path('error.log'));
  await log.close(8000);

  const lines = parse(await reader);
  t.deepEqual(
    lines.map(({ number }) => number),
    Array.from({ length: 2000 }, (_, number) => number),
  );
});

test('reopening a FIFO keeps its lines in order', async (t) => {
  const folder = await fifoFolder(t, 'error.log');
  const log = folder.open();
  for (let number = 0; number < 1000; number++) {
    log.info('x'.repeat(200), { number });
    if (number % 100 === 50) log.reopen();
  }

  const reader = startReader(folder.path('error.log'));
  await log.close(8000);

  t.deepEqual(
    parse(await reader).map(({ number }) => number),
    Array.from({ length: 1000 }, (_, number) => number),
  );
});

test('lines above the memory limit are lost and counted, and error.log has their number when the reader is back', async (t) => {
  const folder = await fifoFolder(t, 'access.log');
  const log = folder.open();
  const { exchange } = await withExchange(t, `GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: ${'u'.repeat(4000)}\r\n\r\n`);
  for (let line = 0; line < 2000; line++) log.access(exchange);

  const reader = startReader(folder.path('access.log'));
  await until(
    () => readFileSync(folder.path('error.log'), 'utf8').includes('lines were lost'),
    'the number of lost lines',
  );
  await log.close(8000);

  const received = parse(await reader).length;
  const [said] = await folder.lines('error.log');
  t.like(said, { level: 'warn', path: folder.path('access.log'), lines: 2000 - received });
  t.true(received > 500 && received < 1200, `${received} lines were received`);
});

test('without a reader the log closes at its deadline, and reports no error', async (t) => {
  const folder = await fifoFolder(t, 'access.log');
  const log = folder.open();
  const { exchange } = await withExchange(t, `GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: ${'u'.repeat(4000)}\r\n\r\n`);
  for (let line = 0; line < 200; line++) log.access(exchange);

  const before = performance.now();
  await log.close(300);

  const took = performance.now() - before;
  t.true(took >= 290 && took < SOON_MS, `it took ${took} ms`);
  t.is(await folder.read('error.log'), '');
  await t.notThrowsAsync(until(() => !isOpen(folder.path('access.log')), 'the file to be closed'));
});

test('a log file that is a link to /dev/stdout, as in containers, is written to stdout', async (t) => {
  const folder = await logFolder(t);
  await symlink('/proc/self/fd/1', folder.path('error.log'));
  const script = `
    import { openLog } from ${JSON.stringify(new URL('../../src/log/open.ts', import.meta.url).href)};
    const log = openLog({ dir: ${JSON.stringify(folder.dir)}, level: 'info', stdout: false, shortAddresses: false });
    log.info('to the pipe');
    await log.close(2000);`;

  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    '"$0" --input-type=module --eval "$1" | cat',
    process.execPath,
    script,
  ]);

  t.like(parse(stdout), [{ message: 'to the pipe' }]);
});

test('a late reader of a FIFO that was replaced by a file still gets all its lines', async (t) => {
  const folder = await fifoFolder(t, 'error.log');
  const log = folder.open();
  for (let number = 0; number < 1000; number++) log.info('x'.repeat(200), { number });
  await rename(folder.path('error.log'), folder.path('fifo'));

  log.reopen();
  log.info('to the file');
  await until(() => statSync(folder.path('error.log')).size > 0, 'the line in the file');
  const reader = startReader(folder.path('fifo'));
  await log.close(8000);

  t.is(parse(await reader).length, 1000);
  t.like(await folder.lines('error.log'), [{ message: 'to the file' }]);
});
