import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { BanTable } from '../../src/stores/ban-table.ts';
import { runNexthop, startNexthop } from '../helpers/process.ts';
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

  const all = await runNexthop(t, { args: ['purge', '--json', `--data-dir=${dataDir}`] });
  t.is(await all.exited, 0);
  t.deepEqual(JSON.parse(all.stdout()), { purged: 'everything' });
  await until(() => bans.isBanned(['other'], askedAtMs), 'the ban of everything');
});

test('nexthop purge says so if no nexthop runs, and changes nothing if nothing is cached', async (t) => {
  const site = await siteFolder(t, { '.nexthop/functions/a.js': '' });
  const dataDir = join(site, '.nexthop');

  const empty = await runNexthop(t, { args: ['purge', site] });

  t.is(await empty.exited, 1);
  t.true(empty.output().includes(`no nexthop runs with DATA_DIR ${dataDir}, and no responses`), empty.output());
  t.deepEqual(await readdir(dataDir), ['functions']);

  const running = await startNexthop(t, { site });
  const all = await runNexthop(t, { args: ['purge', site] });
  t.is(await all.exited, 0);
  t.is(all.output(), 'purged all cached responses\n');
  running.child.kill('SIGKILL');
  await running.exited;

  const stored = await runNexthop(t, { args: ['purge', '--json', site] });
  t.is(await stored.exited, 0);
  t.deepEqual(JSON.parse(stored.stdout()), { purged: 'everything' });
  t.true(stored.output().includes(`no nexthop runs with DATA_DIR ${dataDir}: `), stored.output());
});
