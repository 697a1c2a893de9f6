import test from 'ava';
import { toLocation } from '../../../src/contract/problem.ts';
import { startEdge } from '../../helpers/edge.ts';
import { exchange } from '../../helpers/redirect-server.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

const PAGES = { 'public/index.html': 'home', 'public/admin.html': 'secret' };
const FUNCTION = 'export const onRequest = () => new Response("function");';
const MIDDLEWARE = 'export function middleware({ next }) { return next(); }';

const PATHS: readonly string[] = ['/', '/admin', '//admin', '/%61dmin'];

interface Row {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly reports: readonly string[];
  /** The paths that answer 500. */
  readonly closed?: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    title: 'a misspelt folder of cloud functions',
    files: { 'cloud-function/api/a.js': FUNCTION },
    reports: ['cloud-function error is not read, although it holds functions; did you mean cloud-functions?'],
  },
  {
    title: 'a misspelt folder of agents',
    files: { 'agent/chat.js': FUNCTION },
    reports: ['agent error is not read, although it holds agents; did you mean agents?'],
  },
  {
    title: 'a misspelt folder of edge functions',
    files: { 'edge_functions/admin.js': FUNCTION },
    reports: [
      'edge_functions error is not read, although it holds edge functions; did you mean edge-functions?; their paths answer 500',
    ],
    closed: ['/admin', '//admin', '/%61dmin'],
  },
  {
    title: 'a misspelt folder of edge functions that are ignored',
    files: { 'edge-function/admin.js': FUNCTION },
    env: { EDGE_FUNCTIONS: 'ignore' },
    reports: ['edge-function warning is not read, although it holds edge functions; did you mean edge-functions?'],
  },
  {
    title: 'an edge function with a misspelt handler',
    files: { 'edge-functions/admin.js': FUNCTION.replace('onRequest', 'onReqeust') },
    reports: [
      'edge-functions/admin.js:1:14 error onReqeust is not a handler of EdgeOne and is never called; did you mean onRequest?',
      'edge-functions/admin.js error exports no handler function and no app: its path answers 500',
    ],
    closed: ['/admin', '//admin', '/%61dmin'],
  },
  {
    title: 'an edge function whose handler is none',
    files: { 'edge-functions/admin.js': 'export const onRequest = undefined;' },
    reports: ['edge-functions/admin.js error exports no handler function and no app: its path answers 500'],
    closed: ['/admin', '//admin', '/%61dmin'],
  },
  {
    title: 'a misspelt middleware',
    files: { 'midleware.js': MIDDLEWARE },
    reports: [
      'midleware.js error is not read, although it exports a middleware; did you mean middleware.js?; every request is answered 500',
    ],
    closed: PATHS,
  },
  {
    title: 'a middleware with another ending',
    files: { 'middleware.mjs': 'export const middleware = async (context) => context.next();' },
    reports: [
      'middleware.mjs error is not read, although it exports a middleware; did you mean middleware.js?; every request is answered 500',
    ],
    closed: PATHS,
  },
  {
    title: 'a misspelt edgeone.json',
    files: { 'edgeone.jsn': '{ "outputDirectory": "build" }', 'build/a.txt': '' },
    reports: ['edgeone.jsn error is not read; did you mean edgeone.json?'],
  },
  {
    title: 'code of other kinds under similar names',
    files: {
      'cloudfunctions/login/index.js': 'exports.main = async () => 1;',
      'agent/run.js': 'export const run = 1;',
      'assets/a.js': FUNCTION,
      'edge-function/readme.md': '',
      'middlewares.js': MIDDLEWARE,
      'middleware.mjs': MIDDLEWARE,
      'lib/app.js': "import { middleware } from '../middleware.mjs';",
      'src/Middleware.js': 'export const middleware = [];',
      'middelware.js': 'export const middleware = [];',
      'edgeone.config.mjs': 'export default {};',
    },
    reports: [],
  },
  {
    title: 'misspelt names beside the right ones',
    files: {
      'cloud-functions/a.js': FUNCTION,
      'cloud-function/b.js': FUNCTION,
      'edge-functions/c.js': FUNCTION,
      'edge-function/admin.js': FUNCTION,
      'middleware.js': MIDDLEWARE,
      'midleware.js': MIDDLEWARE,
      'edgeone.json': '{}',
      'edgeone.jsonc': '{}',
    },
    reports: [],
  },
];

for (const { title, files, env = {}, reports, closed = [] } of ROWS) {
  const what = reports.length === 0 ? 'nothing' : 'one mistake';
  test(`${title}: ${what} is reported${closed.length > 0 ? `, and ${closed.length} paths answer 500` : ''}`, async (t) => {
    const { edge, ...running } = await startEdge(t, { site: await siteFolder(t, { ...PAGES, ...files }), env });

    t.deepEqual(
      edge.site.problems.map((each) => `${toLocation(each)} ${each.severity} ${each.message}`),
      reports,
    );
    for (const path of PATHS) {
      const text = await exchange(running, path);
      t.is(/^HTTP\/1\.1 500 /.test(text), closed.includes(path), `${path}: ${text}`);
    }
  });
}
