import { createServer } from 'node:http';
import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { listen } from '../helpers/listen.ts';

test('with CACHE=all a header by which a hop chooses another page neither stores nor gets a response', async (t) => {
  const hop = await listen(
    t,
    createServer((request, response) => {
      response.setHeader('Cache-Control', 'max-age=60');
      response.end(`page of ${request.headers['x-original-url'] ?? request.url}`);
    }),
  );
  const { url } = await startEdge(t, { env: { NEXT_HOP: hop, CACHE: 'all', TRUSTED_PROXIES: 'none' } });
  const ask = async (headers: Readonly<Record<string, string>> = {}) =>
    (await fetch(`${url}/home`, { headers })).text();
  const evil = { 'x-original-url': '/evil' };

  t.is(await ask(evil), 'page of /evil');
  t.is(await ask(), 'page of /home');
  t.is(await ask(), 'page of /home');
  t.is(await ask(evil), 'page of /evil');
});
