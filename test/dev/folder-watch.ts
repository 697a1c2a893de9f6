import { truncateSync } from 'node:fs';
import { mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FolderWatch } from '../../src/dev/folder-watch.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';

const SITE = {
  'cloud-functions/a.js': '',
  'cloud-functions/deep/b.js': '',
  'node_modules/p/index.js': '',
  '.nexthop/x.json': '',
  'netlify.toml': '',
  '.env': '',
  'public/a.png': '',
  'public/b.png': '',
};

async function watchSite(t: ExecutionContext) {
  const root = await siteFolder(t, SITE);
  const seen = new Set<string>();
  const watch = new FolderWatch({
    root,
    ignored: [join(root, 'logs')],
    onChange: (files) => {
      for (const file of files) seen.add(file);
    },
    onTrouble: (folder, error) => t.fail(`${folder}: ${error}`),
  });
  t.teardown(() => watch.close());
  watch.begin();
  const write = async (file: string): Promise<void> => {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), 'changed');
  };
  return { root, seen, watch, write };
}

for (const file of [
  'cloud-functions/deep/b.js',
  'netlify.toml',
  '.env',
  '_redirects',
  'cloud-functions/new.ts',
  'public/form.html',
]) {
  test(`${file} that is saved is noticed`, async (t) => {
    const { seen, write } = await watchSite(t);

    await write(file);

    await until(() => seen.has(file), file);
    t.deepEqual([...seen], [file]);
  });
}

test('a file outside of the site that changes while the site is read is noticed, and one that is older is not', async (t) => {
  const { root, seen, watch } = await watchSite(t);
  const outside = await siteFolder(t, { 'changed.js': '', 'older.js': '' });
  await utimes(join(outside, 'older.js'), 1, 1);

  watch.beforeReading();
  await writeFile(join(outside, 'changed.js'), 'changed');
  watch.useOutside([join(outside, 'changed.js'), join(outside, 'older.js')]);

  await until(() => seen.size > 0, 'the file');
  t.deepEqual([...seen], [relative(root, join(outside, 'changed.js'))]);
});

for (const [title, emptied] of [
  ['a new', []],
  ['an empty', ['public']],
] as const) {
  test(`the first file of ${title} public folder is noticed, because files of the site are served from then on`, async (t) => {
    const root = await siteFolder(t, {});
    for (const folder of emptied) await mkdir(join(root, folder));
    const { promise, resolve } = Promise.withResolvers<readonly string[]>();
    const watch = new FolderWatch({ root, ignored: [], onChange: resolve, onTrouble: () => t.fail() });
    t.teardown(() => watch.close());
    watch.begin();

    await mkdir(join(root, 'public'), { recursive: true });
    await writeFile(join(root, 'public/logo.png'), 'a picture');

    t.true((await promise).some((file) => file.startsWith('public')));
  });
}

test('packages, tools, images and editor files are not noticed', async (t) => {
  const { seen, write } = await watchSite(t);

  for (const file of [
    'node_modules/p/index.js',
    '.nexthop/x.json',
    '.git/config.json',
    'public/a.png',
    'data.sqlite',
    'logs/a.json',
    'a.js~',
    '.a.js.swp',
  ]) {
    await write(file);
  }
  await write('last.js');

  await until(() => seen.has('last.js'), 'last.js');
  // A new folder is noticed with the file in it, but no folder is watched that holds none.
  t.deepEqual([...seen], ['last.js']);
});

test('a file that replaces another by its name is noticed, as editors save', async (t) => {
  const { root, seen, write } = await watchSite(t);

  await write('cloud-functions/4913');
  await rename(join(root, 'cloud-functions/4913'), join(root, 'cloud-functions/a.js'));

  await until(() => seen.has('cloud-functions/a.js'), 'the rename');
  t.pass();
});

test('a folder that is made again is watched again', async (t) => {
  const { root, seen, write } = await watchSite(t);

  await rm(join(root, 'cloud-functions'), { recursive: true });
  await until(() => seen.has('cloud-functions'), 'the end of the folder');
  await write('cloud-functions/deep/b.js');
  await until(() => seen.has('cloud-functions') || seen.has('cloud-functions/deep/b.js'), 'the new folder');
  seen.clear();
  await write('cloud-functions/deep/b.js');

  await until(() => seen.has('cloud-functions/deep/b.js'), 'the file in it');
  t.pass();
});

test('a site that is removed and made again is watched again', async (t) => {
  const { root, seen, write } = await watchSite(t);

  await rm(root, { recursive: true });
  await write('netlify.toml');
  await until(() => seen.size > 0, 'the new site');
  seen.clear();
  await write('cloud-functions/new.js');

  await until(() => seen.size > 0, 'a file in it');
  t.pass();
});

test('a file outside of the site is noticed once its code is imported', async (t) => {
  const { root, seen, watch } = await watchSite(t);
  const outside = join(await siteFolder(t, { 'shared.ts': '', 'other.ts': '' }), 'shared.ts');

  watch.useOutside([outside]);
  await writeFile(join(dirname(outside), 'other.ts'), 'changed');
  await writeFile(outside, 'changed');

  await until(() => seen.size > 0, 'the file');
  t.deepEqual(
    [...seen].map((file) => join(root, file)),
    [outside],
  );
});

/** A watch that has not begun, and each of its reports. */
function collectReports(t: ExecutionContext, root: string) {
  const reports: (readonly string[])[] = [];
  const watch = new FolderWatch({
    root,
    ignored: [],
    onChange: (files) => void reports.push(files),
    onTrouble: () => t.fail(),
  });
  t.teardown(() => watch.close());
  return { watch, reports };
}

test('files that are saved together are reported together', async (t) => {
  const { root, write } = await watchSite(t);
  const { watch, reports } = collectReports(t, root);
  watch.begin();

  await Promise.all(['a.js', 'b.js', 'c.js'].map(write));

  await until(() => reports.flat().length >= 3, 'three files');
  t.true(reports.length <= 2);
});

test('a file that was saved before the watch began is reported at its beginning', async (t) => {
  const { root, write } = await watchSite(t);
  const { watch, reports } = collectReports(t, root);
  const later = new FolderWatch({ root, ignored: [], onChange: () => seen.resolve(), onTrouble: () => t.fail() });
  t.teardown(() => later.close());
  const seen = Promise.withResolvers<void>();
  later.begin();

  await write('a.js');
  // Its watch is younger, so that the other one has the event, too.
  await seen.promise;
  t.deepEqual(reports, []);
  watch.begin();

  await until(() => reports.length > 0, 'a.js');
  t.deepEqual(reports[0], ['a.js']);
});

test('an empty file is reported later than others, because its text may still be written', async (t) => {
  const { root, seen } = await watchSite(t);
  const path = join(root, 'cloud-functions/a.js');
  await writeFile(path, 'a text');
  await until(() => seen.has('cloud-functions/a.js'), 'the text');
  seen.clear();

  const startedAtMs = performance.now();
  truncateSync(path);
  await until(() => seen.has('cloud-functions/a.js'), 'the empty file');

  // Others are reported after 12 ms.
  t.true(performance.now() - startedAtMs >= 100);
});

test('a site that is not there is no trouble of its watch: the reading of the site says so', (t) => {
  const watch = new FolderWatch({
    root: join(import.meta.dirname, 'no-such-site'),
    ignored: [],
    onChange: () => {},
    onTrouble: (folder, error) => t.fail(`${folder}: ${error}`),
  });

  watch.close();
  t.pass();
});
