import { appendFile, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { type LogsCall, printLogs } from '../../src/cli/logs.ts';
import { runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

/** Seconds after a fixed time, as ISO 8601. */
function at(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
}

function access(second: number, more: Readonly<Record<string, string>> = {}): string {
  const line = { time: at(second), time_taken_s: '0.0032', request: 'GET /a?b HTTP/1.1', status: '200', ...more };
  return `${JSON.stringify(line)}\n`;
}

function printed(second: number, message: string, more: Readonly<Record<string, unknown>> = {}): string {
  return `${JSON.stringify({ time: at(second), level: 'info', ...more, message })}\n`;
}

const ALL = { from: 'LOG_DIR', follow: false, json: false, most: 100, filter: {}, complain() {} } as const;

interface Folder {
  readonly dir: string;
  write(name: string, content: string | Buffer): Promise<void>;
  append(name: string, text: string): Promise<void>;
  print(call?: Partial<LogsCall>): Promise<string[]>;
  /** What is printed to stderr if there is no line. */
  complaintOf(filter: LogsCall['filter']): Promise<string>;
}

async function folderOf(t: ExecutionContext, files: Readonly<Record<string, string | Buffer>>): Promise<Folder> {
  const dir = await mkdtemp(join(tmpdir(), 'nexthop-logs-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const write = (name: string, content: string | Buffer): Promise<void> => writeFile(join(dir, name), content);
  for (const [name, content] of Object.entries(files)) await write(name, content);
  return {
    dir,
    write,
    append: (name, text) => appendFile(join(dir, name), text),
    async print(call = {}) {
      const lines: string[] = [];
      await printLogs({ ...ALL, dir, ...call }, (line) => lines.push(line), new AbortController().signal);
      return lines;
    },
    async complaintOf(filter) {
      const complaints: string[] = [];
      const complain = (text: string): void => void complaints.push(text);
      await printLogs({ ...ALL, dir, filter, complain }, () => {}, new AbortController().signal);
      return complaints.join();
    },
  };
}

test('lines of all logs are printed in the order of time, each with level, request id and text', async (t) => {
  const folder = await folderOf(t, {
    'access.log': access(3, { request_id: 'r1', target: 'a.js' }) + access(5, { status: '499', fault: 'client_left' }),
    'functions.log': printed(2, 'two\nlines \u009b2J', { request_id: 'r1\u009b2J' }),
    'error.log': `${JSON.stringify({
      ...{ level: 'error', time: at(4), message: 'boom', file: 'lib/a.ts', line: 4, request_id: 'r2' },
      stack: 'RangeError: boom\n    at fail (/site/lib/a.ts:4:9)',
      error: { type: 'RangeError', message: 'boom' },
    })}\n${printed(6, 'failed: boom', { error: { type: 'RangeError', message: 'boom' } })}`,
  });

  t.deepEqual(await folder.print(), [
    `${at(2)} info   r1\\x9b2J two\n    lines \\x9b2J`,
    `${at(3)} access r1 GET /a?b 200 3 ms, a.js`,
    `${at(4)} error  r2 RangeError: boom (lib/a.ts:4)\n    at fail (/site/lib/a.ts:4:9)`,
    `${at(5)} access - GET /a?b 499 3 ms, client_left`,
    `${at(6)} info   - failed: boom`,
  ]);
});

test('--route and --request print only the lines of one route, file or request', async (t) => {
  const folder = await folderOf(t, {
    'access.log': access(1, { request_id: 'r1', route: '/a', target: 'a.js' }) + access(2, { request_id: 'r2' }),
    'functions.log': printed(0, 'first', { request_id: 'r1', route: '/a' }) + printed(4, 'r1 is only in the text'),
  });
  const secondsOf = async (filter: LogsCall['filter']): Promise<number[]> =>
    (await folder.print({ filter, json: true })).map((line) => new Date(JSON.parse(line).time).getSeconds());

  t.deepEqual(await secondsOf({ request: 'r1' }), [0, 1]);
  t.deepEqual(await secondsOf({ route: '/a' }), [0, 1]);
  t.deepEqual(await secondsOf({ route: 'a.js' }), [1]);
  t.deepEqual(await secondsOf({ route: '/a', request: 'r2' }), []);
});

test('a line of a job has the id of the job and the name of its function, and --route and --request find it', async (t) => {
  const job = { job: 'J1', target: 'edgeone.json', rule: 'edgeone/report' };
  const folder = await folderOf(t, {
    'functions.log': printed(1, 'mailing', { job: 'J0', target: 'netlify/functions/mail.js' }),
    'error.log':
      printed(2, 'done', job) +
      printed(3, 'boom', { ...job, file: 'lib/a.js', stack: 'Error: boom' }) +
      printed(4, 'a mistake', { target: 'a.js', file: 'a.js' }),
  });

  t.deepEqual(await folder.print(), [
    `${at(1)} info   J0 mailing (netlify/functions/mail.js)`,
    `${at(2)} info   J1 done (edgeone/report)`,
    `${at(3)} info   J1 boom (lib/a.js, edgeone/report)`,
    `${at(4)} info   - a mistake (a.js)`,
  ]);
  t.is((await folder.print({ filter: { request: 'J1' } })).length, 2);
  t.is((await folder.print({ filter: { route: 'edgeone/report' } })).length, 2);
});

test('a filter that no line passes is named with the routes, files and functions of the lines that are there', async (t) => {
  const folder = await folderOf(t, {
    'access.log': access(1, { route: '/api/:id', target: 'a.js' }) + access(2, { route: '/api/:id', request_id: 'r1' }),
    'error.log': printed(2, 'done', { rule: 'edgeone/report' }),
  });
  const none = (what: string): string => `there are no lines ${what} in the logs of ${folder.dir} (LOG_DIR)`;

  t.is(
    await folder.complaintOf({ route: '/api/:di' }),
    `${none('of "/api/:di"')}; did you mean /api/:id?\nthe last lines are of /api/:id, a.js, edgeone/report`,
  );
  t.is(await folder.complaintOf({ request: 'r2' }), none('with the id "r2"'));
  t.is(await folder.complaintOf({ route: 'a.js', request: 'r1' }), none('of a.js and the id "r1"'));
  t.is(await folder.complaintOf({ route: '/api/:id' }), '');
});

test('--json prints each line unchanged, with the name of its log', async (t) => {
  const folder = await folderOf(t, { 'functions.log': printed(1, 'hello') });

  t.deepEqual(await folder.print({ json: true }), [`{"log":"functions",${printed(1, 'hello').trim().slice(1)}`]);
});

test('rotated and compressed files are read, and no more lines than asked for', async (t) => {
  const folder = await folderOf(t, {
    'access.log.2.gz': gzipSync(access(1) + access(2)),
    'access.log.1': access(3) + access(4),
    'access.log': access(5),
    'access.logs': access(9),
    'access.log.bak': access(9),
  });
  await utimes(join(folder.dir, 'access.log.2.gz'), 1, 1);
  await utimes(join(folder.dir, 'access.log.1'), 2, 2);
  const seconds = async (most: number): Promise<number[]> =>
    (await folder.print({ most, json: true })).map((line) => new Date(JSON.parse(line).time).getSeconds());

  t.deepEqual(await seconds(100), [1, 2, 3, 4, 5]);
  t.deepEqual(await seconds(4), [2, 3, 4, 5]);
  t.deepEqual(await seconds(2), [4, 5]);
});

test('lines across the borders of the pieces in which a file is read are whole', async (t) => {
  const sizes = Array.from({ length: 300 }, (_, n) => (n * 7919) % 5000).concat([600_000, 10]);
  const folder = await folderOf(t, {
    'functions.log': sizes.map((size, n) => printed(n, `${n}:${'ü'.repeat(size)}`)).join(''),
  });

  const lines = await folder.print({ json: true, most: 1000 });

  t.deepEqual(
    lines.map((line) => JSON.parse(line).message),
    sizes.map((size, n) => `${n}:${'ü'.repeat(size)}`),
  );
});

test('text that is no line of a log is skipped', async (t) => {
  const folder = await folderOf(t, {
    'access.log': `half a line"}\n\nnull\n{"time":"?"}\n{"time":{"toString":1}}\n${access(1)}{"time":"2026`,
  });

  t.is((await folder.print()).length, 1);
});

test('--follow prints new lines in the order of time, also after a rotation and of a new log', async (t) => {
  const startedAtMs = Date.now();
  const time = (ms: number): string => new Date(startedAtMs + ms).toISOString();
  const asked = (ms: number): string => access(0, { time: time(ms) });
  const folder = await folderOf(t, { 'access.log': asked(1) });
  const lines: string[] = [];
  const end = new AbortController();
  const call = { ...ALL, dir: folder.dir, follow: true, json: true, most: 1 };
  const over = printLogs(call, (line) => lines.push(JSON.parse(line).time), end.signal);
  const untilPrinted = (count: number) =>
    untilResult(
      async () => lines.length,
      (length) => length >= count,
    );
  await untilPrinted(1);

  await folder.append('access.log', asked(3));
  await folder.write('functions.log', printed(0, 'x', { time: time(2) }));
  await untilPrinted(3);
  await rename(join(folder.dir, 'access.log'), join(folder.dir, 'access.log.1'));
  await folder.append('access.log.1', asked(4));
  await folder.write('access.log', asked(5));
  await folder.append('access.log.1', asked(6));
  await untilPrinted(6);
  end.abort();
  await over;

  // The lines of each step; on a slow machine a step may be older than the time for which lines wait.
  t.deepEqual(lines.slice(0, 3).toSorted(), [1, 2, 3].map(time));
  t.deepEqual(lines.slice(3).toSorted(), [4, 5, 6].map(time));
});

test('--follow waits for lines with an earlier time, which another log writes later', async (t) => {
  const folder = await folderOf(t, { 'access.log': access(1) });
  const lines: string[] = [];
  const end = new AbortController();
  const call = { ...ALL, dir: folder.dir, follow: true, json: true, most: 1 };
  const over = printLogs(call, (line) => lines.push(JSON.parse(line).log), end.signal);
  const untilPrinted = (count: number) =>
    untilResult(
      async () => lines.length,
      (length) => length >= count,
    );
  await untilPrinted(1);
  // In the future, so that both wait however slow the machine is.
  const nowMs = Date.now() + 3000;
  await folder.append('access.log', access(0, { time: new Date(nowMs + 1).toISOString() }));
  await folder.append('functions.log', printed(0, 'x', { time: new Date(nowMs).toISOString() }));

  await untilPrinted(3);
  end.abort();
  await over;

  t.deepEqual(lines, ['access', 'functions', 'access']);
});

test('a folder that does not exist, and an empty LOG_DIR, are explained', async (t) => {
  const folder = await folderOf(t, {});

  await t.throwsAsync(folder.print({ dir: join(folder.dir, 'none') }), {
    message: /^the log folder .*none does not exist\n {2}it is LOG_DIR\n {2}name the site/,
  });
  await t.throwsAsync(folder.print({ dir: '' }), { message: /LOG_DIR is empty/ });
});

test('nexthop logs prints what a request left in all three logs', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/a.js': `export const onRequest = () => { console.log('I begin'); throw new Error('I fail'); };`,
  });
  const running = await startNexthop(t, { site });
  await (await fetch(`http://127.0.0.1:${running.port}/a`)).arrayBuffer();
  const call = { ...ALL, dir: running.logDir, filter: { route: '/a' } };
  const read = async (): Promise<string[]> => {
    const lines: string[] = [];
    await printLogs(call, (line) => lines.push(line), new AbortController().signal);
    return lines;
  };

  const lines = await untilResult(read, ({ length }) => length >= 3);

  const levels = lines.map((line) => line.split(' ')[1]);
  t.deepEqual(levels.toSorted(), ['access', 'error', 'info']);
  t.is(levels[0], 'info');
  t.is(new Set(lines.map((line) => line.split(/ +/)[2])).size, 1);
});

test('nexthop logs without a line to print names the folder that it read', async (t) => {
  const { dir } = await folderOf(t, { 'access.log': '' });

  const { output, exited } = await runNexthop(t, { args: ['logs'], env: { LOG_DIR: dir } });

  t.is(await exited, 0);
  t.is(
    output(),
    `there are no lines in the logs of ${dir}
  it is LOG_DIR
  name the site, as in nexthop logs my-site, or the folder, as in nexthop logs --log-dir=logs
  nexthop dev writes log files only if it is called with --log-dir
`,
  );
});

test('--follow waits for the first log file of a folder', async (t) => {
  const folder = await folderOf(t, {});
  const end = new AbortController();
  const lines: string[] = [];
  const complaints: string[] = [];
  const call = { ...ALL, dir: folder.dir, follow: true, complain: (text: string) => void complaints.push(text) };
  const printing = printLogs(call, (line) => void lines.push(line), end.signal);

  await untilResult(async () => complaints.length, Boolean);
  await folder.write('access.log', access(1));
  await untilResult(async () => lines.length, Boolean);
  end.abort();
  await printing;

  t.regex(complaints.join(), /^there are no lines yet in the logs of /);
});
