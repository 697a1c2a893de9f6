import test from 'ava';
import { findUnused } from '../../../../src/dialects/netlify/find/find-unused.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

test('edge functions are reported as not supported', async (t) => {
  const site = await siteFolder(t, { 'netlify/edge-functions/guard.ts': 'export default () => {};' });

  const problems = await findUnused(site, undefined);

  t.like(problems, { ...[{ severity: 'warning', file: 'netlify/edge-functions' }], length: 1 });
  t.regex(problems[0]?.message ?? '', /^holds edge functions/);
});

for (const [publish, files] of [
  [undefined, ['public/_headers']],
  ['out', ['out/_headers']],
  ['.', ['_headers']],
] as const) {
  test(`rules in files of a folder (${publish ?? 'not named'}) are reported once as not read`, async (t) => {
    const names = ['public', 'dist', 'out', '.'].map((folder) => `${folder}/_headers`);
    const site = await siteFolder(t, Object.fromEntries(names.map((name) => [name, '/a /b'])));

    const problems = await findUnused(site, publish);

    t.deepEqual(
      problems.map(({ file, severity }) => [file, severity]),
      files.map((file) => [file, 'warning']),
    );
    t.regex(problems[0]?.message ?? '', /^is not read: .* Basic-Auth among them protects nothing/);
  });
}
