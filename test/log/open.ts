import { readFileSync } from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { LogError } from '../../src/contract/log.ts';
import { openLog } from '../../src/log/open.ts';
import { withExchange } from '../helpers/exchange.ts';
import { logFolder } from '../helpers/log-folder.ts';
import { isOpen } from '../helpers/open-files.ts';
import { until } from '../helpers/until.ts';

test('the folder and both files are created, readable by all users and writable by the owner', async (t) => {
  const folder = await logFolder(t);
  folder.open({ dir: folder.path('made/for/it') });

  const dir = folder.path('made/for/it');
  t.deepEqual((await readdir(dir)).toSorted(), ['access.log', 'error.log']);
  t.is((await stat(join(dir, 'access.log'))).mode & 0o777, 0o644 & ~process.umask());
});

test('a folder that the kernel does not allow to create is an error immediately', (t) => {
  const error = t.throws(() =>
    openLog({ dir: '/proc/nexthop/log', level: 'info', stdout: false, shortAddresses: false }),
  );

  t.true(error instanceof LogError);
  t.regex(error?.message ?? '', /^LOG_DIR: cannot write "\/proc\/nexthop\/log\/error\.log" \(E\w+\)/);
});

test('existing lines of the files stay', async (t) => {
  const folder = await logFolder(t);
  await writeFile(folder.path('error.log'), '{"message":"old"}\n');
  const log = folder.open();
  log.info('new');
  await log.close(2000);

  t.like(await folder.lines('error.log'), [{ message: 'old' }, { message: 'new' }]);
});

test('a line is written to its file within a short time, without a call of flush', async (t) => {
  const folder = await logFolder(t);
  const log = folder.open();
  const { exchange } = await withExchange(t, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n');

  log.access(exchange);
  await until(() => readFileSync(folder.path('access.log'), 'utf8').endsWith('}\n'), 'the line');

  t.like(await folder.lines('access.log'), [{ request: 'GET /x HTTP/1.1' }]);
});

test('a burst of megabytes in one turn of the event loop loses no line', async (t) => {
  const folder = await logFolder(t);
  const log = folder.open();
  for (let line = 0; line < 900; line++) log.info('x'.repeat(4000));
  await log.close(10_000);

  t.is((await folder.lines('error.log')).length, 900);
});

test('a folder that cannot be created is an error that names LOG_DIR, the file, the cause and the remedy', async (t) => {
  const folder = await logFolder(t);
  await writeFile(folder.path('file'), '');
  const dir = folder.path('file/logs');

  t.throws(() => openLog({ dir, level: 'info', stdout: false, shortAddresses: false }), {
    instanceOf: LogError,
    message: `LOG_DIR: cannot write "${join(dir, 'error.log')}" (ENOTDIR); make the folder writable or set LOG_DIR to one that is`,
  });
});

test('a file that cannot be opened is such an error, too, and the other file is closed', async (t) => {
  const folder = await logFolder(t);
  await mkdir(folder.path('access.log'));

  const error = t.throws(() => folder.open(), { instanceOf: LogError });

  t.true(error.message.startsWith(`LOG_DIR: cannot write "${folder.path('access.log')}" (EISDIR)`));
  await t.notThrowsAsync(until(() => !isOpen(folder.path('error.log')), 'the other file to be closed'));
});
