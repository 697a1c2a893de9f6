import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { BanTable } from '../../src/stores/ban-table.ts';
import { runNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { sqliteFolder } from '../helpers/sqlite-store.ts';
import { until } from '../helpers/until.ts';

test('nexthop purge purges by tag, or everything, in a process that uses the same DATA_DIR', async (t) => {
  const { dataDir, open } = await sqliteFolder(t);
  const bans = new BanTable(open().cache(1e8));
  t.teardown(() => bans.close());
  await bans.know();
  const askedAtMs = bans.nowMs();

  const byTag = await runNexthop(t, { args: ['purge', '--tag=News', '--tag', 'sports,a', `--data-dir=${dataDir}`] });

  t.is(await byTag.exited, 0);
  t.is(byTag.stdout(), 'purged News, sports, a\n');
  await until(() => bans.isBanned(['news'], askedAtMs), 'the ban');
  t.true(bans.isBanned(['sports'], askedAtMs) && bans.isBanned(['a'], askedAtMs));
  t.false(bans.isBanned(['other'], askedAtMs));

  const all = await runNexthop(t, { args: ['purge', `--data-dir=${dataDir}`] });
  t.is(await all.exited, 0);
  await until(() => bans.isBanned(['other'], askedAtMs), 'the ban of everything');
});

test('nexthop purge in a folder without a cache says so and creates nothing', async (t) => {
  const site = await siteFolder(t, { 'index.html': '' });

  const running = await runNexthop(t, { args: ['purge', site] });

  t.is(await running.exited, 1);
  t.true(running.output().includes(`there is no folder ${join(site, '.nexthop')}`), running.output());
  t.deepEqual(await readdir(site), ['index.html']);
});
