import test from 'ava';
import { findFolder } from '../../src/static/find-folder.ts';
import { readFiles } from '../../src/static/read-files.ts';
import { startEdge } from '../helpers/edge.ts';
import { project } from '../helpers/project.ts';
import { siteFolder } from '../helpers/site-folder.ts';

/** The files of a site, and the folder that is served. */
for (const [title, files, expected] of [
  ['nothing', [], undefined],
  ['public/', ['public/a.txt'], 'public'],
  ['an empty public/', ['other.txt'], undefined],
  ['a build and what it was made from', ['dist/index.html', 'public/favicon.ico'], 'dist'],
  ['compiled server code', ['dist/index.js', 'dist/app.js'], undefined],
  ['compiled server code and public/', ['dist/index.js', 'public/a.txt'], 'public'],
  ['an Astro build', ['dist/client/a.txt', 'dist/server/entry.mjs', 'public/a.txt'], 'dist/client'],
  ['a server build with public/', ['dist/server/entry.mjs', 'dist/index.html', 'public/a.txt'], 'public'],
  ['a public/ that is a file', ['public'], undefined],
  ['a page at its top', ['index.html'], '.'],
  ['a page at its top and compiled server code', ['index.html', 'dist/index.js'], '.'],
  ['a page at its top that public/ has too', ['index.html', 'public/index.html'], 'public'],
  ['a page at its top and a build of it', ['index.html', 'vite.config.ts', 'dist/index.html'], 'dist'],
  ['no page at its top', ['about.html', 'style.css'], undefined],
] as const) {
  test(`a site with ${title} serves ${expected ?? 'no folder'}`, async (t) => {
    const root = await siteFolder(t, Object.fromEntries(files.map((file) => [file, ''])));
    const { folder, problems } = await findFolder(root);

    t.is(folder, expected);
    t.deepEqual(problems, []);
  });
}

for (const [title, files] of [
  ['a server file', { 'dist/server.js': '' }],
  ['declarations', { 'dist/index.d.ts': '' }],
  ['CommonJS', { 'dist/main.cjs': '' }],
  ['a package', { 'dist/package.json': '{}' }],
  ['a start script', { 'package.json': '{"scripts":{"start":"NODE_ENV=x node dist"}}' }],
  ['a main file', { 'package.json': '{"main":"./dist/index.js"}' }],
] as const) {
  test(`a dist/ with an index.html and ${title} is not served, and a problem says so`, async (t) => {
    const root = await siteFolder(t, { 'dist/index.html': '', ...files });
    const { folder, problems } = await findFolder(root);

    t.is(folder, undefined);
    t.is(problems.length, 1);
    t.like(problems[0], { severity: 'warning', file: 'dist' });
  });
}

test('a dist/ is served if package.json starts no code from it or is invalid', async (t) => {
  for (const manifest of ['{"scripts":{"start":"serve dist"}}', 'null', '{']) {
    const root = await siteFolder(t, { 'dist/index.html': '', 'package.json': manifest });
    t.is((await findFolder(root)).folder, 'dist', manifest);
  }
});

test('a folder that is not served is listed with the reason', async (t) => {
  const build = await siteFolder(t, { 'dist/index.html': '', 'public/a.txt': '' });
  const code = await siteFolder(t, { 'dist/index.js': '' });

  t.deepEqual((await findFolder(build)).ignored, [{ file: 'public', reason: 'built into dist' }]);
  t.deepEqual((await findFolder(code)).ignored, [
    { file: 'dist', reason: 'treated as compiled code: it has no index.html' },
  ]);
});

for (const [title, files, reported] of [
  [
    'a build script',
    { 'package.json': '{"scripts":{"build":"vite build"}}' },
    /^is not served: package\.json has a build script/,
  ],
  ['a bundler', { 'vite.config.mts': '' }, /^is not served: it is the source of a build \(vite\.config\.mts\)/],
  [
    'a script for a bundler',
    { 'index.html': '<script type=module src="/src/main.tsx">' },
    /\(it loads \/src\/main\.tsx\)/,
  ],
] as const) {
  test(`a page at the top with ${title} is not served, and a problem has the reason`, async (t) => {
    const root = await siteFolder(t, { 'index.html': '', ...files });
    const withPublic = await siteFolder(t, { 'index.html': '', ...files, 'public/a.txt': '' });

    const found = await findFolder(root);

    t.is(found.folder, undefined);
    t.like(found.problems, [{ severity: 'warning', file: 'index.html' }]);
    t.regex(found.problems[0]?.message ?? '', reported);
    t.is((await findFolder(withPublic)).folder, 'public');
    t.is((await findFolder(withPublic)).problems.length, 1);
  });
}

test('a page at the top next to a public/ without one is reported', async (t) => {
  const root = await siteFolder(t, {
    'index.html': '',
    'public/a.css': '',
    'package.json': '{"scripts":{"start":"x"}}',
  });

  const { folder, problems } = await findFolder(root);

  t.is(folder, 'public');
  t.regex(problems[0]?.message ?? '', /^is not served: the files are those of public\//);
});

for (const [title, files, expected] of [
  ['in build/', ['build/index.html', 'netlify/functions/a.mjs'], 'build/index.html'],
  ['in _site/, with their source at the top', ['_site/index.html', 'index.html'], '_site/index.html'],
  ['in dist/, which is served', ['dist/index.html', 'build/index.html'], undefined],
  ['in a folder of the source', ['netlify/functions/a.mjs', 'src/index.html'], undefined],
] as const) {
  test(`pages ${title} are ${expected ? '' : 'not '}reported as in a folder that no configuration names`, async (t) => {
    const { problems } = await readFiles(await project(t, Object.fromEntries(files.map((file) => [file, '']))));

    t.deepEqual(
      problems.map(({ severity, file }) => [severity, file]),
      expected === undefined ? [] : [['warning', expected]],
    );
    if (expected) t.regex(problems[0]?.message ?? '', /publish = "(?:build|_site)" in \[build\] of netlify\.toml/);
  });
}

test('pages at the top are served if a configuration names that folder, and the code next to them is not', async (t) => {
  const site = await project(t, {
    'netlify.toml': '[build]\npublish = "."',
    'index.html': 'home',
    'netlify/functions/a.mjs': 'export default () => new Response("a")',
    'package.json': '{}',
    '.env': 'A=1',
  });
  const { url } = await startEdge(t, { site: site.root });

  t.is(await (await fetch(url)).text(), 'home');
  for (const path of ['/netlify/functions/a.mjs', '/package.json', '/.env', '/netlify.toml']) {
    t.not((await fetch(url + path)).status, 200, path);
  }
});
