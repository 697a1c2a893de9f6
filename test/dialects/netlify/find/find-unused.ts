import test from 'ava';
import { findUnused } from '../../../../src/dialects/netlify/find/find-unused.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

test('edge functions are reported as not supported', async (t) => {
  const site = await siteFolder(t, { 'netlify/edge-functions/guard.ts': 'export default () => {};' });

  const problems = await findUnused(site);

  t.like(problems, { ...[{ severity: 'warning', file: 'netlify/edge-functions' }], length: 1 });
  t.regex(problems[0]?.message ?? '', /^holds edge functions/);
});
