import test from 'ava';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';

/** A function that answers with its file and its params. */
function echo(file: string): string {
  return `export const onRequest = ({ params }) => ({ file: ${JSON.stringify(file)}, params });`;
}

function site(...files: readonly string[]): Record<string, string> {
  return Object.fromEntries(files.map((file) => [`cloud-functions/${file}`, echo(file)]));
}

const NO_MATCH = undefined;

interface Row {
  readonly file: string;
  readonly path: string;
  /** NO_MATCH: the file does not answer. */
  readonly params: object | undefined;
}

const ROWS: readonly Row[] = [
  { file: 'index.js', path: '/', params: {} },
  { file: 'hello-pages.js', path: '/hello-pages', params: {} },
  { file: 'hello-pages.js', path: '/hello-pages/', params: {} },
  { file: 'helloworld.js', path: '/HelloWorld', params: NO_MATCH },
  { file: 'api/visit/index.js', path: '/api/visit', params: {} },
  { file: 'api/users/list.js', path: '/api/users/list', params: {} },
  { file: 'api/users/list.js', path: '/api/users/list?x=/1', params: {} },
  { file: 'api/users/[id].js', path: '/api/users/1024', params: { id: '1024' } },
  { file: 'api/users/[id].js', path: '/api/users/1024/', params: { id: '1024' } },
  { file: 'api/users/[id].js', path: '/api/users/%E4%BD%A0', params: { id: '你' } },
  { file: 'api/users/[id].js', path: '/api/users/a%2Fb', params: { id: 'a/b' } },
  { file: 'api/users/[id].js', path: '/api/users%2F7', params: NO_MATCH },
  { file: 'api/users/[id].js', path: '/api/users/..%2F7', params: NO_MATCH },
  { file: 'api/users/[id].js', path: '/api/users/a%5Cb', params: NO_MATCH },
  { file: 'api/users/[id].js', path: '/api/users/vip/1024', params: NO_MATCH },
  { file: 'api/users/[id].js', path: '/api/vip/1024', params: NO_MATCH },
  { file: 'api/users/[id].js', path: '/api/users', params: NO_MATCH },
  { file: 'api/users/[id].js', path: '/api/users/', params: NO_MATCH },
  { file: 'api/users/[id].js', path: '/API/Users/1024', params: NO_MATCH },
  { file: 'api/users/[id].js', path: '/api/users/%zz', params: NO_MATCH },
  { file: 'p/[a]/comments/[b].js', path: '/p/1/comments/2', params: { a: '1', b: '2' } },
  { file: 'p/[a]/index.js', path: '/p/1', params: { a: '1' } },
  { file: '[tenant]/x/index.js', path: '/hn/x', params: { tenant: 'hn' } },
  { file: 'api/[[default]].js', path: '/api/books/list', params: { default: ['books', 'list'] } },
  { file: 'api/[[default]].js', path: '/api/1024', params: { default: ['1024'] } },
  { file: 'api/[[default]].js', path: '/api/books//list', params: { default: ['books', '', 'list'] } },
  { file: 'api/[[default]].js', path: '/api/a%20b', params: { default: ['a%20b'] } },
  { file: 'api/[[default]].js', path: '/api/a%2Fb/c', params: { default: ['a%2Fb', 'c'] } },
  { file: 'api/[[default]].js', path: '/v2/vip/1024', params: NO_MATCH },
  { file: 'api/[[default]].js', path: '/api', params: NO_MATCH },
  { file: 'api/[[default]].js', path: '/api/', params: NO_MATCH },
  { file: 'u/[name]/[[rest]].js', path: '/u/bob/x/y', params: { name: 'bob', rest: ['x', 'y'] } },
  { file: 'api/[[...path]].js', path: '/api/books/list', params: { path: ['books', 'list'] } },
  { file: 'api/[[...path]].js', path: '/api', params: NO_MATCH },
  { file: 'u/[name]/[[...rest]].js', path: '/u/bob/x/y', params: { name: 'bob', rest: ['x', 'y'] } },
  { file: '[[default]].js', path: '/', params: NO_MATCH },
  { file: 'explore/rss.xml.ts', path: '/explore/rss.xml', params: {} },
  { file: 'explore/rss.xml.ts', path: '/explore/rssxml', params: NO_MATCH },
  { file: '你好.js', path: '/%E4%BD%A0%E5%A5%BD', params: {} },
  { file: 'hello-pages.js', path: '//hello-pages', params: NO_MATCH },
];

for (const { file, path, params } of ROWS) {
  test(`${file} ${params ? `answers ${path}` : `does not answer ${path}`}`, async (t) => {
    const { url } = await serveDialect(t, edgeone, site(file));

    const response = await fetch(`${url}${path}`);

    t.deepEqual(response.status === 421 ? NO_MATCH : await response.json(), params && { file, params });
  });
}

const CONFLICTS: readonly { readonly files: readonly string[]; readonly path: string; readonly first: string }[] = [
  { files: ['a/[id].js', 'a/list.js'], path: '/a/list', first: 'a/list.js' },
  { files: ['a/[[all]].js', 'a/[id].js'], path: '/a/1', first: 'a/[id].js' },
  { files: ['prec/a/b/[[rest]].js', 'prec/[p]/[q]/[r].js'], path: '/prec/a/b/c', first: 'prec/[p]/[q]/[r].js' },
  { files: ['hn/[[default]].js', '[tenant]/x.js'], path: '/hn/x', first: '[tenant]/x.js' },
  { files: ['[[all]].js', 'a/[[all]].js'], path: '/a/1', first: 'a/[[all]].js' },
  { files: ['tie/[x]/c.js', 'tie/b/[y].js'], path: '/tie/b/c', first: 'tie/b/[y].js' },
  { files: ['a.js', 'a/index.js'], path: '/a', first: 'a/index.js' },
  { files: ['a/[[...all]].js', 'a/[id].js'], path: '/a/1', first: 'a/[id].js' },
  { files: ['a/[[...x]].js', 'a/[[x]].js'], path: '/a/1', first: 'a/[[...x]].js' },
];

for (const { files, path, first } of CONFLICTS) {
  test(`of ${files.join(' and ')}, ${first} answers ${path}`, async (t) => {
    const { url } = await serveDialect(t, edgeone, site(...files));

    const response = await fetch(`${url}${path}`);

    t.like(await response.json(), { file: first });
  });
}

test('a method without a handler is answered by the next route that matches, or by none', async (t) => {
  const { url } = await serveDialect(t, edgeone, {
    'cloud-functions/[id].js': "export const onRequestPost = () => 'post';",
    'cloud-functions/[[all]].js': "export const onRequestGet = () => 'get';",
  });

  t.is(await (await fetch(`${url}/7`)).json(), 'get');
  t.is(await (await fetch(`${url}/7`, { method: 'POST' })).json(), 'post');
  t.is((await fetch(`${url}/7`, { method: 'DELETE' })).status, 421);
  t.is((await fetch(`${url}/7`, { method: 'HEAD' })).status, 421);
  t.is((await fetch(`${url}/7`, { method: 'OPTIONS' })).status, 421);
});

test('the second of two files with the same route is ignored, and the reason names the first', async (t) => {
  const { reading } = await serveDialect(t, edgeone, site('a.js', 'a/index.js'));

  t.deepEqual(
    reading.routes.map(({ file }) => file),
    ['cloud-functions/a/index.js'],
  );
  t.deepEqual(reading.ignored, [
    {
      file: 'cloud-functions/a.js',
      reason: 'cloud-functions/a/index.js has the same route, /a, and takes precedence',
    },
  ]);
});

for (const file of ['[[a]]/b.js', '[[...a]]/b.js', '[...slug].js']) {
  test(`${file} has no route and is reported`, async (t) => {
    const { reading } = await serveDialect(t, edgeone, site(file));

    t.deepEqual(reading.routes, []);
    t.like(reading.problems, [{ severity: 'warning', file: `cloud-functions/${file}` }]);
    t.is(reading.ignored[0]?.file, `cloud-functions/${file}`);
  });
}
