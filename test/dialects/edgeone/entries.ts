import test from 'ava';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';

type Files = Readonly<Record<string, string>>;

interface Row {
  readonly title: string;
  readonly files: Files;
  /** Responses to GET and POST of /a. Undefined: no function answers. */
  readonly get?: unknown;
  readonly post?: unknown;
}

const ROWS: readonly Row[] = [
  { title: 'a function', files: { 'a.js': 'export function onRequest() { return 1; }' }, get: 1, post: 1 },
  {
    title: 'a constant',
    files: { 'a.ts': 'export const onRequest = async (): Promise<number> => 1' },
    get: 1,
    post: 1,
  },
  {
    title: 'a default export with the name',
    files: { 'a.js': 'export default function onRequest() { return 1 }' },
    get: 1,
    post: 1,
  },
  {
    title: 'a default export for one method',
    files: { 'a.js': 'export default function onRequestGet() { return 1 }' },
    get: 1,
  },
  {
    title: 'a default export of a variable',
    files: { 'a.js': 'const onRequest = () => 1; export default onRequest;' },
    get: 1,
    post: 1,
  },
  {
    title: 'a default export for all methods and an export for one',
    files: { 'a.js': 'export default function onRequest() { return 1 } export const onRequestPost = () => 2;' },
    get: 1,
    post: 2,
  },
  {
    title: 'an export for one method before the one for all',
    files: { 'a.js': 'export const onRequest = () => 1; export const onRequestGet = () => 2;' },
    get: 2,
    post: 1,
  },
  {
    title: 'a renamed export',
    files: { 'a.js': 'const handler = () => 1; export { handler as onRequest };' },
    get: 1,
    post: 1,
  },
  {
    title: 'a re-export',
    files: { 'a.js': "export { onRequestGet } from './lib/x.js';", 'lib/x.js': 'export const onRequestGet = () => 1' },
    get: 1,
  },
  {
    title: 'a star export',
    files: { 'a.js': "export * from './lib/x.js';", 'lib/x.js': 'export const onRequestGet = () => 1' },
    get: 1,
  },
  { title: 'minified code', files: { 'a.js': 'var e=()=>1;export{e as onRequest};' }, get: 1, post: 1 },
  { title: 'a CommonJS export', files: { 'a.js': 'exports.onRequestPost = () => 1' }, post: 1 },
  { title: 'a CommonJS object', files: { 'a.cjs': 'module.exports = { onRequestGet: () => 1 }' }, get: 1 },
  {
    title: 'a handler that calls an app with fetch itself',
    files: {
      'a.js':
        'const app = { fetch: () => new Response("1") }; export const onRequest = ({ request }) => app.fetch(request);',
    },
    get: 1,
    post: 1,
  },
  { title: 'not an anonymous default export', files: { 'a.js': 'export default () => 1' } },
  {
    title: 'not a default export with another name',
    files: { 'a.js': 'export default function handler() { return 1 }' },
  },
  { title: 'not a list', files: { 'a.js': 'export const onRequest = [() => 1]' } },
  {
    title: 'not an app in a file without [[name]]',
    files: { 'a.js': 'const app = Object.assign(() => 1, { use() {}, handle() {} }); export default app;' },
  },
];

for (const { title, files, get, post } of ROWS) {
  test(`a file is an entry by its exports: ${title}`, async (t) => {
    const paths = Object.entries(files).map(([path, text]) => [`cloud-functions/${path}`, text] as const);
    const { url } = await serveDialect(t, edgeone, Object.fromEntries(paths));

    const answers = await Promise.all([fetch(`${url}/a`), fetch(`${url}/a`, { method: 'POST' })]);

    const values = await Promise.all(answers.map((answer) => (answer.status === 421 ? undefined : answer.json())));
    t.deepEqual(values, [get, post]);
  });
}

test('an export with the name of a handler that is not a function is a warning', async (t) => {
  const { reading } = await serveDialect(t, edgeone, { 'cloud-functions/a.js': 'export const onRequest = [() => 1]' });

  t.like(reading.problems, [{ severity: 'warning', file: 'cloud-functions/a.js' }]);
});

test('a module is evaluated once for all requests, and files share their helpers', async (t) => {
  const { url } = await serveDialect(t, edgeone, {
    'cloud-functions/_count.js': 'let count = 0; export const next = () => (count += 1);',
    'cloud-functions/a.js': "import { next } from './_count.js'; export const onRequest = () => next();",
    'cloud-functions/b.ts': "import { next } from './_count'; export const onRequest = () => next();",
  });

  const counts = [];
  for (const path of ['/a', '/a', '/b']) counts.push(await (await fetch(url + path)).json());

  t.deepEqual(counts, [1, 2, 3]);
});

test('a function reads a data file in its folder by __dirname', async (t) => {
  const { url } = await serveDialect(t, edgeone, {
    'cloud-functions/api/greeting.txt': 'hello',
    'cloud-functions/api/a.js':
      "import { readFileSync } from 'node:fs'; export const onRequest = () => readFileSync(__dirname + '/greeting.txt', 'utf8');",
  });

  t.is(await (await fetch(`${url}/api/a`)).json(), 'hello');
});
