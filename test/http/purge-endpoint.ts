import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { startRedis } from '../helpers/redis-server.ts';

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
  const { url } = await startEdge(t, { env: { PURGE_TOKEN: TOKEN, REDIS_URL: server.url } });
  const init = { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` }, body: '{}' };

  t.is((await fetch(url + PATH, init)).status, 503);
});
