import test from 'ava';
import { edgeone } from '../../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../../helpers/dialect-server.ts';

/** An edge function that answers with its file, its params and the keys of its context. */
function echo(file: string): string {
  return `export function onRequest(context) {
    return Response.json({ file: ${JSON.stringify(file)}, params: context.params, keys: Object.keys(context).join() });
  }`;
}

const ECHOES = [
  ...['index.js', 'hello.js', 'api/index.js', 'api/[id].js', 'api/[[default]].js', 'api/users/list.js'],
  ...['api/users/[id].js', 'shop/[id]/index.js', 'shop/[id]/items.js', 'catch/[[rest]].js', 'deep/a/[[rest]].js'],
  ...['deep/[p]/c.js', 'deep/[p]/[q].js'],
];

const FILES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(ECHOES.map((file) => [file, echo(file)])),
  'both.js':
    'export const onRequestGet = () => new Response("get"); export const onRequest = () => new Response("any");',
  'get.js': 'export const onRequestGet = () => new Response("get");',
  'default.js': 'export default function onRequest() { return new Response("default"); }',
  'default-get.js': 'export default function onRequestGet() { return new Response("default get"); }',
  'anonymous.js': 'export default () => new Response("anonymous");',
  'module.mjs': 'export const onRequest = () => new Response("module");',
  'typed.ts': 'export const onRequest = async (c: { request: Request }): Promise<Response> => new Response("typed");',
};

/**
 * What the platform's own builder (edgeone 1.4.9) makes of these files: the answers of its bundle,
 * run in a `vm` context with a `fetch` event. Undefined: the request goes to the origin.
 */
const RECORDED: readonly (readonly [
  request: string,
  answer: string | readonly [file: string, params: object] | undefined,
])[] = [
  ['GET /', ['index.js', {}]],
  ['GET /hello', ['hello.js', {}]],
  ['GET /hello/', ['hello.js', {}]],
  ['GET /Hello', undefined],
  ['GET /api', ['api/index.js', {}]],
  ['GET /api/', ['api/index.js', {}]],
  ['GET /api/7', ['api/[id].js', { id: '7' }]],
  ['GET /api/%E4%BD%A0', ['api/[id].js', { id: '%E4%BD%A0' }]],
  ['GET /api/a%2Fb', ['api/[id].js', { id: 'a%2Fb' }]],
  ['GET /api/7/8', ['api/[[default]].js', { default: ['7', '8'] }]],
  ['GET /api/7//8', ['api/[[default]].js', { default: ['7', '', '8'] }]],
  ['GET /api/7/8/', ['api/[[default]].js', { default: ['7', '8'] }]],
  ['GET /api/users', ['api/[id].js', { id: 'users' }]],
  ['GET /api/users/list', ['api/users/list.js', {}]],
  ['GET /api/users/9', ['api/users/[id].js', { id: '9' }]],
  ['GET /api/users/9/x', ['api/[[default]].js', { default: ['users', '9', 'x'] }]],
  ['GET /shop/3', ['shop/[id]/index.js', { id: '3' }]],
  ['GET /shop/3/items', ['shop/[id]/items.js', { id: '3' }]],
  ['GET /shop/3/none', undefined],
  ['GET /shop', undefined],
  ['GET /catch', undefined],
  ['GET /catch/', undefined],
  ['GET /catch/x', ['catch/[[rest]].js', { rest: 'x' }]],
  ['GET /catch/x/y', ['catch/[[rest]].js', { rest: ['x', 'y'] }]],
  ['GET /catch/a%20b/%E4%BD%A0', ['catch/[[rest]].js', { rest: ['a%20b', '%E4%BD%A0'] }]],
  ['GET /deep/a/c', ['deep/[p]/c.js', { p: 'a' }]],
  ['GET /deep/a/z', ['deep/[p]/[q].js', { p: 'a', q: 'z' }]],
  ['GET /deep/b/c', ['deep/[p]/c.js', { p: 'b' }]],
  ['GET /deep/b/z', ['deep/[p]/[q].js', { p: 'b', q: 'z' }]],
  ['GET /both', 'any'],
  ['POST /both', 'any'],
  ['GET /get', 'get'],
  ['HEAD /get', undefined],
  ['POST /get', undefined],
  ['OPTIONS /get', undefined],
  ['GET /default', 'default'],
  ['POST /default', 'default'],
  ['GET /anonymous', undefined],
  ['GET /default-get', 'default get'],
  ['POST /default-get', undefined],
  ['GET /module', undefined],
  ['GET /typed', 'typed'],
  ['GET /none', undefined],
];

test('edge functions answer as the bundle of the platform does', async (t) => {
  const files = Object.fromEntries(Object.entries(FILES).map(([file, text]) => [`edge-functions/${file}`, text]));
  const { url, reading } = await serveDialect(t, edgeone, files);
  const keys = 'request,params,env,waitUntil,eo';

  t.deepEqual(
    reading.problems.map(({ file, message }) => `${file} ${message}`),
    [
      'edge-functions/both.js never calls its handlers of GET: in edge functions onRequest comes first',
      'edge-functions/anonymous.js exports no handler function and no app: its path answers 500',
    ],
  );
  for (const [request, answer] of RECORDED) {
    const [method = '', path = ''] = request.split(' ');
    const response = await fetch(url + path, { method });
    const text = await response.text();
    // What is no function there may be a guard that its author believes in.
    if (path === '/anonymous') t.is(response.status, 500);
    else if (answer === undefined) t.is(response.status, 421, request);
    else if (typeof answer === 'string') t.is(text, answer, request);
    else t.deepEqual(JSON.parse(text), { file: answer[0], params: answer[1], keys }, request);
  }
});
