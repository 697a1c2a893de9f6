import { mkdir, rename } from 'node:fs/promises';
import test from 'ava';
import type { PrintedText } from '../../src/contract/log.ts';
import { openLog } from '../../src/log/open.ts';
import { logFolder } from '../helpers/log-folder.ts';

const PRINTED: PrintedText = { level: 'info', text: 'hello', target: 'a.js', route: '/a', requestId: 'r1' };

test('a printed text is one line of functions.log, with time, level, request, route and file', async (t) => {
  const folder = await logFolder(t);
  const log = openLog({ dir: folder.dir, level: 'error', stdout: false, shortAddresses: false });
  log.print({ ...PRINTED, text: 'two\nlines \u001b[31mred\u001b[39m \u009b2J' });
  log.print({ ...PRINTED, level: 'warn', route: '', requestId: '' });
  await log.close(2000);

  const [first, second] = await folder.lines('functions.log');
  t.regex(String(first?.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.deepEqual(first, {
    time: first?.time,
    level: 'info',
    request_id: 'r1',
    route: '/a',
    target: 'a.js',
    message: 'two\nlines red ',
  });
  t.deepEqual(second, { time: second?.time, level: 'warn', target: 'a.js', message: 'hello' });
});

test('a text has the fields of its platform', async (t) => {
  const folder = await logFolder(t);
  const log = openLog({ dir: folder.dir, level: 'error', stdout: false, shortAddresses: false });
  log.print({ ...PRINTED, fields: { run_id: 'run-1', conversation_id: 'talk' } });
  log.print(PRINTED);
  await log.close(2000);

  const [first, second] = await folder.lines('functions.log');
  t.like(first, { run_id: 'run-1', conversation_id: 'talk' });
  t.like(second, { run_id: undefined, conversation_id: undefined });
});

test('a site that prints nothing has no functions.log', async (t) => {
  const folder = await logFolder(t);
  await folder.open().close(2000);

  t.is(await folder.read('functions.log'), '');
});

test('a file that prints in a loop loses lines, which are counted in functions.log, and others lose none', async (t) => {
  const folder = await logFolder(t);
  const log = openLog({ dir: folder.dir, level: 'error', stdout: false, shortAddresses: false });
  for (let line = 0; line < 20_000; line++) log.print({ ...PRINTED, text: `line ${line}` });
  log.print({ ...PRINTED, target: 'b.js', text: 'the other file' });
  await log.close(2000);

  const lines = await folder.lines('functions.log');
  const lost = lines.reduce(
    (sum, { message }) => sum + Number(/^(\d+) lines are not/.exec(String(message))?.[1] ?? 0),
    0,
  );
  const written = lines.filter(({ message }) => String(message).startsWith('line ')).length;
  t.is(written + lost, 20_000);
  // More than one second may have passed.
  t.true(written < 20_000, String(written));
  t.true(lines.some(({ message }) => message === 'the other file'));
});

test('a long text is cut, and the line says how much is missing', async (t) => {
  const folder = await logFolder(t);
  const log = openLog({ dir: folder.dir, level: 'error', stdout: false, shortAddresses: false });
  log.print({ ...PRINTED, text: 'x'.repeat(1_000_000) });
  await log.close(2000);

  const [line] = await folder.lines('functions.log');
  t.regex(String(line?.message), /^x{16384}… \(983616 more characters\)$/);
});

test('functions.log is rotated like access.log', async (t) => {
  const folder = await logFolder(t);
  const log = openLog({ dir: folder.dir, level: 'error', stdout: false, shortAddresses: false });
  log.print(PRINTED);
  await rename(folder.path('functions.log'), folder.path('functions.log.1'));
  log.reopen();
  log.print(PRINTED);
  await log.close(2000);

  t.is((await folder.lines('functions.log.1')).length, 1);
  t.is((await folder.lines('functions.log')).length, 1);
});

test('a functions.log that cannot be opened is one line of error.log, and does not throw', async (t) => {
  const folder = await logFolder(t);
  await mkdir(folder.path('functions.log'));
  const log = openLog({ dir: folder.dir, level: 'error', stdout: false, shortAddresses: false });
  for (let line = 0; line < 3; line++) log.print(PRINTED);
  await log.close(2000);

  const lines = await folder.lines('error.log');
  t.is(lines.length, 1);
  t.regex(String(lines[0]?.message), /functions\.log.*LOG_DIR/);
});
