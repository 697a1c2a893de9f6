import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Manifest } from '../../../src/dialects/loader/kept-build.ts';
import { builtSite, FILES, loadFile } from '../../helpers/built-site.ts';

interface Row {
  readonly title: string;
  readonly change: (root: string) => Promise<unknown>;
  readonly file: string;
  readonly what: string;
}

const STALE: readonly Row[] = [
  {
    title: 'a function changed',
    change: (root) => writeFile(join(root, 'api/a.ts'), `${FILES['api/a.ts']}\n`),
    file: 'api/a.ts',
    what: 'changed since the build',
  },
  {
    title: 'a helper changed, but not its size and time',
    change: async (root) => {
      const { atime, mtime } = await stat(join(root, 'lib/help.js'));
      await writeFile(join(root, 'lib/help.js'), 'export const help = "HELP";');
      await utimes(join(root, 'lib/help.js'), atime, mtime);
    },
    file: 'lib/help.js',
    what: 'changed since the build',
  },
  {
    title: 'a JSON file changed',
    change: (root) => writeFile(join(root, 'lib/facts.json'), '{"fact": 2}'),
    file: 'lib/facts.json',
    what: 'changed since the build',
  },
  {
    title: 'a helper was renamed',
    change: (root) => rename(join(root, 'lib/help.js'), join(root, 'lib/help.jsx')),
    file: 'lib/help.js',
    what: 'is gone since the build',
  },
  {
    title: 'a new file is resolved instead of a helper',
    change: (root) => writeFile(join(root, 'lib/help.ts'), 'export const help: string = "typed";'),
    file: 'lib/help.ts',
    what: 'is new since the build',
  },
  {
    title: 'the tsconfig changed',
    change: (root) => writeFile(join(root, 'tsconfig.json'), '{"extends": "./base"}'),
    file: 'tsconfig.json',
    what: 'changed since the build',
  },
  {
    title: 'a file that the tsconfig extends changed',
    change: (root) => writeFile(join(root, 'base.json'), `${FILES['base.json']}\n`),
    file: 'base.json',
    what: 'changed since the build',
  },
  {
    title: 'a nearer tsconfig is new',
    change: (root) => writeFile(join(root, 'api/tsconfig.json'), '{"extends": "../base.json"}'),
    file: 'api/tsconfig.json',
    what: 'is new since the build',
  },
  {
    title: 'a nearer package.json is new',
    change: (root) => writeFile(join(root, 'lib/package.json'), '{"type": "module"}'),
    file: 'lib/package.json',
    what: 'is new since the build',
  },
  {
    title: 'a package has another version',
    change: (root) =>
      writeFile(join(root, 'api/node_modules/small/package.json'), '{"version": "1.0.1", "main": "main.js"}'),
    file: 'api/node_modules/small/package.json',
    what: 'changed since the build',
  },
  {
    title: 'the manifest is truncated',
    change: (root) => writeFile(join(root, '.nexthop/build/manifest.json'), '{"format": 1,'),
    file: '.nexthop/build/manifest.json',
    what: 'cannot be used (',
  },
  {
    title: 'the manifest has another form',
    change: (root) => editManifest(root, { pieces: [{ kind: 'functions', files: ['api/a.ts'] }] as never }),
    file: '.nexthop/build/manifest.json',
    what: 'cannot be used (',
  },
  {
    title: 'the code is damaged',
    change: async (root) => {
      for (const name of await codeIn(root)) await writeFile(join(root, '.nexthop/build', name), 'export {}');
    },
    file: '.nexthop/build/manifest.json',
    what: 'cannot be used (',
  },
  {
    title: 'the code is missing',
    change: async (root) => {
      for (const name of await codeIn(root)) await rm(join(root, '.nexthop/build', name));
    },
    file: '.nexthop/build/manifest.json',
    what: 'cannot be used (ENOENT',
  },
  {
    title: 'another version of nexthop made it',
    change: (root) => editManifest(root, { nexthop: '0.0.1' }),
    file: '.nexthop/build/manifest.json',
    what: 'was made with nexthop 0.0.1, this is ',
  },
  {
    title: 'another version of esbuild made it',
    change: (root) => editManifest(root, { esbuild: '0.1.0' }),
    file: '.nexthop/build/manifest.json',
    what: 'was made with esbuild 0.1.0, this is ',
  },
  {
    title: 'it was made for another version of Node',
    change: (root) => editManifest(root, { node: '99' }),
    file: '.nexthop/build/manifest.json',
    what: `was made with node 99, this is ${process.versions.node.split('.')[0]}`,
  },
];

async function codeIn(root: string): Promise<readonly string[]> {
  return (await readdir(join(root, '.nexthop/build'))).filter((name) => name.endsWith('.cjs'));
}

async function editManifest(root: string, parts: Partial<Manifest>): Promise<void> {
  const file = join(root, '.nexthop/build/manifest.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...parts }));
}

for (const { title, change, file, what } of STALE) {
  test(`a stale build is not used, with the reason: ${title}`, async (t) => {
    const opened = await builtSite(t);
    await change(opened.root);

    const { exports, problems } = await loadFile(opened);

    t.like(problems, [{ severity: 'warning', file }]);
    t.true(problems[0]?.message.startsWith(what), problems[0]?.message);
    t.regex(problems[0]?.message ?? '', /: the build is not used; run `nexthop build` again$/);
    t.is(problems.length, 1);
    const expected = await loadFile({ ...opened, dataDir: join(opened.root, 'no-build') });
    t.deepEqual((exports.onRequest as () => unknown)(), (expected.exports.onRequest as () => unknown)());
  });
}

test('a function that was not compiled ahead makes the build stale', async (t) => {
  const opened = await builtSite(t);
  await writeFile(join(opened.root, 'api/b.ts'), 'export const b = 1;');

  const { exports, problems } = await loadFile(opened, 'api/b.ts');

  t.like(problems, [{ file: 'api/b.ts' }]);
  t.true(problems[0]?.message.startsWith('is new since the build'));
  t.is(exports.b, 1);
});
