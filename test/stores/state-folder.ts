import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { backgroundSite, send } from '../helpers/background-site.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { runNexthop, startNexthop } from '../helpers/process.ts';

for (const [where, toDataDir] of [
  ['below a file', (folder: string) => join(folder, 'netlify/functions/plain.mjs/data')],
  ['below /proc', () => '/proc/nexthop/data'],
] as const) {
  test.serial(
    `a DATA_DIR ${where} is reported; requests without state are answered, others get 503 immediately`,
    async (t) => {
      const { folder } = await backgroundSite(t);
      const dataDir = toDataDir(folder);

      const process = await startNexthop(t, { site: folder, env: { DATA_DIR: dataDir } });

      await process.said(
        /\n {2}error {5}\S+state\.db cannot be opened \(.*\): DATA_DIR must be a folder that this user may write/,
      );
      const url = `http://127.0.0.1:${process.port}`;
      t.is(await (await fetch(`${url}/plain`)).text(), 'plain');
      const before = performance.now();
      t.is((await send(url, 'a')).status, 503);
      t.true(performance.now() - before < SOON_MS);
      process.child.kill('SIGTERM');
      t.is(await process.exited, 0);
      const log = await readFile(join(process.logDir, 'error.log'), 'utf8');
      t.true(log.includes(`${dataDir}/state.db cannot be opened (`), log);
      t.true(log.includes('DATA_DIR must be a folder that this user may write'), log);
    },
  );

  test.serial(`with a DATA_DIR ${where} jobs and build end with an error that says so`, async (t) => {
    const { folder } = await backgroundSite(t);
    const env = { DATA_DIR: toDataDir(folder) };

    const jobs = await runNexthop(t, { args: ['jobs', `--site=${folder}`], env });
    const build = await runNexthop(t, { args: ['build', folder], env });

    t.is(await jobs.exited, 1);
    t.regex(
      jobs.output(),
      /^nexthop: there is no store in \S+: nothing has been stored there yet; .*--site=PATH, .* DATA_DIR\n"nexthop jobs schedules" lists .*\n$/,
    );
    t.is(await build.exited, 1);
    t.regex(
      build.output(),
      /^nexthop: DATA_DIR cannot be written to: .*; make \S+ writable for this user, or set DATA_DIR to another folder\n$/,
    );
  });
}
