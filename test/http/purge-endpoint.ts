import test from 'ava';
import { CALL_TIMEOUT_MS } from '../../src/contract/store.ts';
import { startEdge } from '../helpers/edge.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const PATH = '/.well-known/nexthop/purge';
const TOKEN = 'a-long-token';

test('a purge needs the token, POST and a body that says what', async (t) => {
  const { url, accessLines } = await startEdge(t, { env: { PURGE_TOKEN: TOKEN } });
  const headers = { authorization: `Bearer ${TOKEN}` };
  const ask = (init: RequestInit) => fetch(url + PATH, { method: 'POST', ...init });

  const answers = [
    await ask({ headers, body: '{"cache_tags":["news"]}' }),
    await ask({ headers: { authorization: `bearer  ${TOKEN}` }, body: '{}' }),
    await ask({ body: '{}' }),
    await ask({ headers: { authorization: `Bearer ${TOKEN}x` }, body: '{}' }),
    await ask({ headers: { authorization: TOKEN }, body: '{}' }),
    await ask({ headers, body: 'news' }),
    await ask({ headers, body: '["news"]' }),
    await ask({ headers, body: '{"cache_tags":[1]}' }),
    await ask({ headers }),
    await ask({ headers, body: `{"cache_tags":["${'x'.repeat(1024 * 1024)}"]}` }),
    await ask({ headers, method: 'PUT', body: '{}' }),
  ];

  t.deepEqual(
    answers.map(({ status }) => status),
    [202, 202, 401, 401, 401, 400, 400, 400, 400, 413, 405],
  );
  t.is(answers[2]?.headers.get('www-authenticate'), 'Bearer');
  t.is(answers[10]?.headers.get('allow'), 'POST');
  t.like((await accessLines(1))[0], { target: 'purge' });
});

test('without PURGE_TOKEN the path belongs to the site and the next hop', async (t) => {
  const { url } = await startEdge(t, { env: { NEXT_HOP: 'http://127.0.0.1:1' } });

  const answer = await fetch(url + PATH, { method: 'POST', headers: { authorization: 'Bearer ' }, body: '{}' });

  t.is(answer.status, 502);
});

test('a purge while Redis is away gets 503', async (t) => {
  const server = await startRedis(t);
  await server.kill();
  const { url } = await startEdge(t, {
    env: { PURGE_TOKEN: TOKEN, REDIS_URL: server.url },
    callTimeoutMs: CALL_TIMEOUT_MS,
  });
  const init = { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` }, body: '{}' };

  t.is((await fetch(url + PATH, init)).status, 503);
});

test('more purges of one tag, or of everything, than PURGE_RATE in five seconds get 429', async (t) => {
  const site = await siteFolder(t, {
    'netlify/functions/purge.mjs': `export default async (request) => {
      const answer = await fetch('https://api.netlify.com/api/v1/purge', {
        method: 'POST',
        headers: { authorization: 'Bearer ' + new URL(request.url).searchParams.get('token') },
        body: '{"cache_tags":["news"]}',
      });
      return new Response(null, { status: answer.status });
    };
    export const config = { path: '/purge' };`,
  });
  const { url, edge } = await startEdge(t, { site, env: { PURGE_TOKEN: TOKEN, PURGE_RATE: '2' } });
  const headers = { authorization: `Bearer ${TOKEN}` };
  const ask = async (body: string) => fetch(url + PATH, { method: 'POST', headers, body });
  const statuses: number[] = [];

  for (const tags of ['["news"]', '["News","sport"]', '["news"]', '["sport"]', '["sport"]', 'null', 'null', 'null'])
    statuses.push((await ask(`{"cache_tags":${tags}}`)).status);
  statuses.push((await fetch(`${url}/purge?token=${edge.running.purging.token}`)).status);

  t.deepEqual(statuses, [202, 202, 429, 202, 429, 202, 202, 429, 429]);
  t.regex((await ask('{}')).headers.get('retry-after') ?? '', /^\d+$/);
});
