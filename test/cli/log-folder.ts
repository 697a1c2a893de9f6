import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { keepLogDir } from '../../src/cli/log-dir-record.ts';
import { printLogs, toFolder } from '../../src/cli/logs.ts';
import { readConfig } from '../../src/config/config.ts';
import { runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

const ALL = { follow: false, json: false, most: 100, filter: {}, complain() {} } as const;

for (const WORKERS of ['0', '1']) {
  test(`nexthop logs finds by the site the LOG_DIR of a nexthop that runs or was killed, with WORKERS=${WORKERS}`, async (t) => {
    const site = await siteFolder(t, { 'cloud-functions/a.js': `export const onRequest = () => new Response('a');` });
    const running = await startNexthop(t, { site, env: { WORKERS } });
    await (await fetch(`http://127.0.0.1:${running.port}/a`)).arrayBuffer();
    const found = () => toFolder(readConfig({ site, env: {} }));
    await until(() => found().dir === running.logDir, 'the LOG_DIR in DATA_DIR');
    const call = { ...ALL, ...found(), filter: { route: '/a' } };
    const lines: string[] = [];
    const read = async (): Promise<number> => {
      await printLogs(call, (line) => lines.push(line), new AbortController().signal);
      return lines.length;
    };
    await untilResult(read, (count) => count > 0);

    running.child.kill('SIGKILL');
    await running.exited;

    t.regex(lines[0] ?? '', / access .* GET \/a 200/);
    t.is(found().dir, running.logDir);
    t.is(found().from, `the LOG_DIR of the nexthop that was started last with DATA_DIR ${join(site, '.nexthop')}`);
  });
}

test('without a nexthop that was started with the DATA_DIR, nexthop logs reads the default folder and says so', async (t) => {
  const site = await siteFolder(t);
  const { LOG_DIR } = readConfig({ env: {} });
  const dataDir = join(site, '.nexthop');

  const nothingKept = `the default; no nexthop has left another one in DATA_DIR ${dataDir}`;
  t.deepEqual(toFolder(readConfig({ site, env: {} })), { dir: LOG_DIR, from: nothingKept, isGuess: true });
  keepLogDir({ DATA_DIR: dataDir, LOG_DIR: '' });
  const empty = toFolder(readConfig({ site, env: {} }));
  t.is(empty.dir, '');
  const call = { ...ALL, ...empty };
  await t.throwsAsync(
    printLogs(call, () => {}, new AbortController().signal),
    {
      message: /^there are no log files\n {2}the LOG_DIR of the nexthop that was started last .* is empty/,
    },
  );
  t.is(toFolder(readConfig({ site, env: { LOG_DIR: '/own' } })).dir, '/own');
});

test('nexthop logs of a site that does not exist says that there is no such site', async (t) => {
  const site = join(await siteFolder(t), 'none');

  t.like(toFolder(readConfig({ site, env: {} })), { from: `the default; there is no site ${site}`, isGuess: true });
  t.is(
    toFolder(readConfig({ site, env: { DATA_DIR: '/d' } })).from,
    'the default; no nexthop has left another one in DATA_DIR /d',
  );
});

test('the lines of a folder that is only the default are printed with a note, and those of LOG_DIR without one', async (t) => {
  const dir = await siteFolder(t, {
    'error.log': `{"time":"2026-01-01T00:00:00.000Z","level":"info","message":"x"}\n`,
  });
  const printed = async (isGuess: boolean): Promise<readonly string[]> => {
    const all: string[] = [];
    const write = (line: string): void => void all.push(line);
    const call = { ...ALL, dir, from: 'the default', isGuess, complain: write };
    await printLogs(call, write, new AbortController().signal);
    return all;
  };

  t.deepEqual(await printed(true), [
    `these are the logs of ${dir}, maybe of another site\n  it is the default`,
    ...(await printed(false)),
  ]);
});

test('nexthop logs of a folder without a log file names the folder and what it looked for, and exits with 1', async (t) => {
  const dir = await siteFolder(t, { 'notes.txt': 'x', 'access.logs': 'x' });

  const { output, exited } = await runNexthop(t, { args: ['logs'], env: { LOG_DIR: dir } });

  t.is(await exited, 1);
  t.true(
    output().startsWith(
      `nexthop: the log folder ${dir} has no access.log, error.log or functions.log\n  it is LOG_DIR\n  name the site`,
    ),
  );
});

test('a line of many MB in a compressed log is read in time that grows with its length', async (t) => {
  const read = async (mib: number): Promise<number> => {
    const text = `ü${'x'.repeat(mib * 2 ** 20)}`;
    const dir = await siteFolder(t);
    const entry = JSON.stringify({ time: '2026-01-01T00:00:00.000Z', level: 'info', message: text });
    await writeFile(join(dir, 'functions.log.1.gz'), gzipSync(`${entry}\n`));
    const lines: string[] = [];
    const startedAtMs = performance.now();
    await printLogs({ ...ALL, dir, from: 'LOG_DIR' }, (line) => void lines.push(line), new AbortController().signal);
    const tookMs = performance.now() - startedAtMs;
    t.true(lines[0]?.endsWith(text));
    return tookMs;
  };

  const shortMs = await read(4);
  const longMs = await read(64);

  // Joined again with each piece, it would take 256 times as long instead of 16 times.
  t.true(longMs < 100 * Math.max(shortMs, 50), `${shortMs} ms, ${longMs} ms`);
});
