import { join } from 'node:path';
import test from 'ava';
import { keepLogDir } from '../../src/cli/log-dir-record.ts';
import { printLogs, toFolder } from '../../src/cli/logs.ts';
import { readConfig } from '../../src/config/config.ts';
import { startNexthop } from '../helpers/process.ts';
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
      message: /^there are no log files: the LOG_DIR of the nexthop that was started last .* is empty/,
    },
  );
  t.is(toFolder(readConfig({ site, env: { LOG_DIR: '/own' } })).dir, '/own');
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
    `these are the logs of ${dir} (the default), maybe of another site`,
    ...(await printed(false)),
  ]);
});
