import test, { type ExecutionContext } from 'ava';
import { ask, type Question, type Reply } from '../helpers/cached-server.ts';
import { startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';

/** Answers with the number of its call. */
const PAGE = `
let calls = 0;
export default async (request) => {
  const vary = new URL(request.url).searchParams.get('vary');
  return new Response(String(++calls), { headers: { 'cache-control': 'public, max-age=60', ...(vary !== null && { 'netlify-vary': vary }) } });
};
export const config = { path: '/t/*' };
`;

async function open(t: ExecutionContext): Promise<(question: Question) => Promise<Reply>> {
  const site = await siteFolder(t, { 'netlify/functions/page.mjs': PAGE });
  const { port } = await startEdge(t, { site });
  return (question) => ask(port, question);
}

/** Pairs of requests that must not share a response. */
const DISTINCT: Readonly<Record<string, readonly [Question, Question]>> = {
  'two hosts': [
    { path: '/t/1', headers: { host: 'a.test' } },
    { path: '/t/1', headers: { host: 'b.test' } },
  ],
  'two ports': [
    { path: '/t/2', headers: { host: 'a.test' } },
    { path: '/t/2', headers: { host: 'a.test:81' } },
  ],
  'a host with a dot at its end': [
    { path: '/t/3', headers: { host: 'a.test' } },
    { path: '/t/3', headers: { host: 'a.test.' } },
  ],
  'a target that names another host': [
    { path: 'http://a.test/t/4', headers: { host: 'b.test' } },
    { path: '/t/4', headers: { host: 'b.test' } },
  ],
  'parameters with a semicolon': [{ path: '/t/5?a=1' }, { path: '/t/5?a=1;b=2' }],
  'a parameter twice': [{ path: '/t/6?a=1&a=2' }, { path: '/t/6?a=2&a=1' }],
  'an encoded name': [{ path: '/t/7?a=1' }, { path: '/t/7?%61=1' }],
  'an encoded name before and after a plain one': [{ path: '/t/14?%61=1&a=2' }, { path: '/t/14?a=2&%61=1' }],
  'an encoded name before and after a chosen one': [
    { path: '/t/15?vary=query=a&%61=1&a=2' },
    { path: '/t/15?vary=query=a&a=2&%61=1' },
  ],
  'a semicolon in the value of a chosen parameter': [
    { path: '/t/16?vary=query=a&a=1' },
    { path: '/t/16?vary=query=a&a=1;a=2' },
  ],
  'an encoded path': [{ path: '/t/8a' }, { path: '/t/8%61' }],
  'a slash at the end': [{ path: '/t/9' }, { path: '/t/9/' }],
  'an empty query': [{ path: '/t/10' }, { path: '/t/10?' }],
  'two cookies': [
    { path: '/t/11?vary=cookie=a', headers: { cookie: 'a=1' } },
    { path: '/t/11?vary=cookie=a', headers: { cookie: 'a=2' } },
  ],
  'two languages': [
    { path: '/t/12?vary=language=en|de', headers: { 'accept-language': 'en' } },
    { path: '/t/12?vary=language=en|de', headers: { 'accept-language': 'de-AT' } },
  ],
  'an encoded name of a chosen parameter': [{ path: '/t/13?vary=query=a' }, { path: '/t/13?vary=query=a&%61=evil' }],
};

test('no response is shared between requests that differ in what a function sees', async (t) => {
  const get = await open(t);

  for (const [what, [one, other]] of Object.entries(DISTINCT)) {
    const bodies = [];
    for (const question of [one, other, one, other]) bodies.push((await get(question)).body);
    t.deepEqual(bodies.slice(0, 2), bodies.slice(2), what);
    t.not(bodies[0], bodies[1], what);
  }
});

const SHARED: Readonly<Record<string, readonly [Question, Question]>> = {
  'the case of the host': [
    { path: '/t/20', headers: { host: 'a.test' } },
    { path: '/t/20', headers: { host: 'A.Test:80' } },
  ],
  'the order of parameters': [{ path: '/t/21?b=2&a=1' }, { path: '/t/21?a=1&b=2' }],
  'the order of parameters with encoded names': [{ path: '/t/24?%62=2&a=1' }, { path: '/t/24?a=1&%62=2' }],
  'cookies and other headers': [
    { path: '/t/22', headers: { cookie: 'a=1' } },
    { path: '/t/22', headers: { 'x-a': '2' } },
  ],
  'parameters that are not chosen': [{ path: '/t/23?vary=query=vary' }, { path: '/t/23?vary=query=vary&utm=1' }],
};

test('a response is shared between requests that differ only in what the key does not have', async (t) => {
  const get = await open(t);

  for (const [what, [one, other]] of Object.entries(SHARED)) t.is((await get(one)).body, (await get(other)).body, what);
});
