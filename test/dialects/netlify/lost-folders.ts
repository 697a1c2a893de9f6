import test from 'ava';
import { toLocation } from '../../../src/contract/problem.ts';
import { startEdge } from '../../helpers/edge.ts';
import { exchange } from '../../helpers/redirect-server.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

const PAGE = { 'public/index.html': 'home' };
const FUNCTION = 'export default () => new Response("ok"); export const config = { path: "/a" };';
const CLOSED = '; because edge functions may protect paths, every request is answered 500';

interface Row {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly reports: readonly string[];
  /** No request is answered. */
  readonly isClosed?: true;
}

const ROWS: readonly Row[] = [
  {
    title: 'a misspelt folder of functions',
    files: { 'netlify/function/a.js': FUNCTION },
    reports: ['netlify/function error is not read, although it holds functions; did you mean netlify/functions?'],
  },
  {
    title: 'a misspelt folder above functions',
    files: { 'netlfy/functions/a.js': FUNCTION },
    reports: ['netlfy/functions error is not read, although it holds functions; did you mean netlify/functions?'],
  },
  {
    title: 'a misspelt folder of functions in the base',
    files: { 'netlify.toml': '[build]\nbase = "app"\npublish = "/public"', 'app/netlify/function/a.js': FUNCTION },
    reports: [
      'app/netlify/function error is not read, although it holds functions; did you mean app/netlify/functions?',
    ],
  },
  {
    title: 'a misspelt folder of edge functions',
    files: { 'netlify/edge-function/a.js': FUNCTION },
    reports: [
      `netlify/edge-function error is not read, although it holds edge functions; did you mean netlify/edge-functions?${CLOSED}`,
    ],
    isClosed: true,
  },
  {
    title: 'a misspelt folder of edge functions that are ignored',
    files: { 'netlify/edge-function/a.js': FUNCTION },
    env: { EDGE_FUNCTIONS: 'ignore' },
    reports: [
      'netlify/edge-function warning is not read, although it holds edge functions; did you mean netlify/edge-functions?',
    ],
  },
  {
    title: 'folders of other names, without code, and beside the right one',
    files: {
      'netlify/functions-old/a.js': FUNCTION,
      'netlify/function/data.json': '{}',
      'netlify/function/run.js': '// nothing yet',
      'netlify/edge-function/readme.md': '',
      'app/netlify/function/a.js': FUNCTION,
    },
    reports: [],
  },
  {
    title: 'a misspelt folder beside the right one',
    files: { 'netlify/functions/b.js': FUNCTION, 'netlify/function/a.js': FUNCTION },
    reports: [],
  },
  {
    title: 'a directory that does not exist',
    files: { 'netlify.toml': '[functions]\ndirectory = "functons"', 'functions/a.js': FUNCTION },
    reports: [
      'netlify.toml:2 error functions.directory names functons, which does not exist: there are no functions; did you mean functions?',
    ],
  },
  {
    title: 'a directory that does not exist, beside the default one',
    files: { 'netlify.toml': '[build]\nfunctions = "src/api"', 'netlify/functions/a.js': FUNCTION },
    reports: [
      'netlify.toml:2 error build.functions names src/api, which does not exist: there are no functions; did you mean netlify/functions?',
    ],
  },
  {
    title: 'a directory that a build has not made',
    files: { 'netlify.toml': '[functions]\ndirectory = "dist/functions"' },
    reports: [
      'netlify.toml:2 warning functions.directory names dist/functions, which does not exist: there are no functions',
    ],
  },
  {
    title: 'a directory that is a file',
    files: { 'netlify.toml': '[functions]\ndirectory = "public/index.html"' },
    reports: [
      'netlify.toml:2 warning functions.directory names public/index.html, which is no folder: there are no functions',
    ],
  },
  {
    title: 'a folder of edge functions that does not exist',
    files: { 'netlify.toml': '[build]\nedge_functions = "edge"' },
    reports: [
      `netlify.toml:2 error build.edge_functions names edge, which does not exist: there are no edge functions${CLOSED}`,
    ],
    isClosed: true,
  },
  {
    title: 'a misspelt setting of the folder of edge functions',
    files: { 'netlify.toml': '[build]\nedge_functions = "src/gard"', 'src/guard/a.js': FUNCTION },
    reports: [
      `netlify.toml:2 error build.edge_functions names src/gard, which does not exist: there are no edge functions; did you mean src/guard?${CLOSED}`,
    ],
    isClosed: true,
  },
  {
    title: 'the default folder of edge functions, named and missing',
    files: { 'netlify.toml': '[build]\nedge_functions = "netlify/edge-functions"' },
    reports: [
      'netlify.toml:2 warning build.edge_functions names netlify/edge-functions, which does not exist: there are no edge functions',
    ],
  },
  {
    title: 'a misspelt netlify.toml without guards',
    files: { 'netlify.tml': '[build]\npublish = "build"', 'build/index.html': '' },
    reports: ['netlify.tml error is not read; did you mean netlify.toml?'],
  },
  {
    title: 'a misspelt netlify.toml with a role',
    files: { 'netlify.tml': '[[redirects]]\nconditions = { Role = ["x"] }' },
    reports: [
      'netlify.tml error is not read; did you mean netlify.toml?; it may protect paths, so every request is answered 500',
    ],
    isClosed: true,
  },
  {
    title: 'misspelt header rules without guards',
    files: { 'public/_header': '/*\n  X-A: 1' },
    reports: ['public/_header error is not read; did you mean public/_headers?'],
  },
  {
    title: 'texts of other kinds under similar names',
    files: {
      headers: '/a\nno rule',
      redirects: 'see /a\nfor more',
      'public/redirects/a.txt': '',
      'netlify.toml.bak': '[build',
    },
    reports: [],
  },
  {
    title: 'folders of a file that is not TOML',
    files: { 'netlify.toml': '[functions', 'netlify/function/a.js': FUNCTION },
    reports: [
      'netlify.toml:1:2 error is not valid TOML: incomplete key-value: cannot find end of key; it may protect paths, so every request is answered 500',
    ],
    isClosed: true,
  },
];

for (const { title, files, env = {}, reports, isClosed = false } of ROWS) {
  const what = reports.length === 0 ? 'nothing' : 'one mistake';
  test(`${title}: ${what} is reported, and the site is ${isClosed ? 'closed' : 'open'}`, async (t) => {
    const { edge, ...running } = await startEdge(t, { site: await siteFolder(t, { ...PAGE, ...files }), env });

    t.deepEqual(
      edge.site.problems.map((each) => `${toLocation(each)} ${each.severity} ${each.message}`),
      reports,
    );
    t.regex(await exchange(running, '/'), isClosed ? /^HTTP\/1\.1 500 / : /^HTTP\/1\.1 200 /);
  });
}

test('advice that depends on a netlify.toml that is not TOML is left out', async (t) => {
  const files = {
    'netlify.toml': '[build',
    'build/index.html': 'home',
    'netlify/functions/submission-created.js': 'export default () => new Response("ok");',
    'netlify/edge-functions/a.js': 'export default () => {};',
  };
  const { edge } = await startEdge(t, { site: await siteFolder(t, files) });

  t.deepEqual(edge.site.problems.map(toLocation), ['netlify.toml:1:2']);
});
