import test from 'ava';
import { check } from '../../../../src/cli/check.ts';
import { readConfig } from '../../../../src/config/config.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const GUARD = `export const onRequest = ({ request }) =>
  request.headers.has('authorization') ? fetch(request) : new Response('no', { status: 401 });`;
const REST = 'edge-functions/admin/[[rest]].js';
const HOP = { NEXT_HOP: 'http://127.0.0.1:1' };

interface Row {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly code?: string;
  readonly file?: string;
  /** What answers the path of the folder; undefined: no warning. */
  readonly answer?: string;
  readonly path?: string;
}

const ROWS: Readonly<Record<string, Row>> = {
  'the next hop': { env: HOP, answer: 'the next hop' },
  'a page': { files: { 'public/admin/index.html': 'secret' }, answer: 'a file of the site' },
  'a page with its name': { files: { 'public/admin.html': 'secret' }, answer: 'a file of the site' },
  'a cloud function': {
    files: { 'cloud-functions/admin/index.js': 'export const onRequest = () => 1;' },
    answer: 'cloud-functions/admin/index.js',
  },
  'an agent': { files: { 'agents/admin.js': 'export const onRequest = () => 1;' }, answer: 'agents/admin.js' },
  'the next hop, before a guard in a helper': {
    code: "export { guard as onRequest } from '../_guard.js';",
    files: { 'edge-functions/_guard.js': GUARD.replace('onRequest', 'guard') },
    env: HOP,
    answer: 'the next hop',
  },
  'the next hop, before a guard of the whole site': {
    file: 'edge-functions/[[all]].js',
    path: '/',
    env: HOP,
    answer: 'the next hop',
  },
  'the next hop, before a guard below a parameter': {
    file: 'edge-functions/u/[id]/[[rest]].js',
    path: '/u/:id',
    env: HOP,
    answer: 'the next hop',
  },
  nothing: {},
  'the index of its folder': { files: { 'edge-functions/admin/index.js': GUARD }, env: HOP },
  'a file of the name of its folder': { files: { 'edge-functions/admin.js': GUARD }, env: HOP },
  'an edge function of a parameter': { files: { 'edge-functions/[id].js': GUARD }, env: HOP },
  'an app, which gets it': { code: 'export default { fetch: (request) => fetch(request) };', env: HOP },
  'the next hop, and the catch-all answers all of its requests itself': {
    code: 'export const onRequest = () => Response.json({});',
    env: HOP,
  },
};

for (const [what, { files = {}, env = {}, code = GUARD, file = REST, answer, path = '/admin' }] of Object.entries(
  ROWS,
)) {
  test(`a catch-all does not get the path of its folder, which ${what} answers: ${answer ? '' : 'no '}warning`, async (t) => {
    const { edge } = await startEdge(t, { site: await siteFolder(t, { [file]: code, ...files }), env });

    const index = file.replace(/[^/]*$/, 'index.js');
    t.deepEqual(
      edge.site.problems.map((each) => `${each.severity} ${each.file} ${each.message}`),
      answer
        ? [
            `warning ${file} does not get ${path} itself, as on the platform: ${answer} answers it. If it protects its folder, add ${index} with the same handlers`,
          ]
        : [],
    );
  });
}

test('nexthop check reports a catch-all that leaves the path of its folder open', async (t) => {
  const site = await siteFolder(t, { [REST]: GUARD, 'public/admin.html': 'secret' });
  const lines: string[] = [];

  await check(readConfig({ site, env: {} }), (line) => lines.push(line));

  t.regex(lines.join('\n'), /warning +edge-functions\/admin\/\[\[rest]]\.js +does not get \/admin itself/);
});
