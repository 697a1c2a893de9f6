import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { findSiteVersion } from '../../src/site/site-version.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const FILES = { 'netlify/functions/a.mjs': 'a', 'public/index.html': 'x', '.env': 'A=1' };

function versionOf(root: string, readAtMs = Date.now() + 60_000): Promise<string> {
  return findSiteVersion({ root, ignored: [join(root, 'logs')], readAtMs });
}

test('the same files have the same version in every folder, whatever the site writes while it runs', async (t) => {
  const [one, two] = [await siteFolder(t, FILES), await siteFolder(t, FILES)];
  const written = ['data.db', 'data.db-wal', 'x.sqlite', 'x.log'];
  const before = await versionOf(one);

  for (const name of written) await writeFile(join(two, name), name);
  const third = await siteFolder(t, {
    ...FILES,
    'logs/access.log': '1',
    'node_modules/x/index.js': '2',
    '.nexthop/cache.db': '3',
  });

  t.is(await versionOf(two), before);
  t.is(await versionOf(third), before);
});

test('another content, name or number of files is another version', async (t) => {
  const root = await siteFolder(t, FILES);
  const versions = [await versionOf(root)];
  for (const change of [
    () => writeFile(join(root, 'public/index.html'), 'y'),
    () => writeFile(join(root, '.env'), 'A=2'),
    () => writeFile(join(root, 'public/new.html'), ''),
    () => rm(join(root, 'netlify/functions/a.mjs')),
  ]) {
    await change();
    versions.push(await versionOf(root));
  }

  t.is(new Set(versions).size, 5);
});

test('files that have changed since the code was read have a version of their own', async (t) => {
  const root = await siteFolder(t, FILES);

  const versions = await Promise.all([versionOf(root, 0), versionOf(root, 0), versionOf(root)]);

  t.is(new Set(versions).size, 3);
});
