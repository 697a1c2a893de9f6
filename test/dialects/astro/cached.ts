import test, { type ExecutionContext } from 'ava';
import { type AstroEdge, startAstroEdge } from '../../helpers/astro-edge.ts';
import type { AstroSetup } from '../../helpers/astro-site.ts';
import { ask, type Question, type Reply } from '../../helpers/cached-server.ts';

const BUILDS: Readonly<Record<string, AstroSetup>> = {
  'a build for Node': { major: 7 },
  "a build with nexthop's adapter": { major: 7, adapter: 'nexthop/astro' },
};

async function start(t: ExecutionContext, setup: AstroSetup): Promise<AstroEdge> {
  return startAstroEdge(t, { ...setup, env: { PURGE_TOKEN: 'secret', STORE_FSYNC: '0' } });
}

async function get({ port }: AstroEdge, query: string, question: Question = {}): Promise<Reply & { text: string }> {
  const reply = await ask(port, { ...question, path: `/news?${query}` });
  return { ...reply, text: /<p>([^<]+)/.exec(reply.body)?.[1] ?? '' };
}

for (const [what, setup] of Object.entries(BUILDS)) {
  test(`${what}: a page whose code sets a field for CDN caches is rendered once, until its tag is purged`, async (t) => {
    const edge = await start(t, setup);
    // The first response shows that the page is written for a cache.
    const first = await get(edge, 'kind=netlify');

    const second = await get(edge, 'kind=netlify');
    const third = await get(edge, 'kind=netlify&utm=1');
    const head = await get(edge, 'kind=netlify', { method: 'HEAD' });

    t.is(first.status, 200);
    t.true(first.text !== '' && first.text !== second.text);
    t.is(third.text, second.text);
    t.regex(third.headers['cache-status'] ?? '', /^nexthop; hit; ttl=\d+$/);
    t.is(third.headers['cache-control'], 'public, max-age=0, must-revalidate');
    t.is(third.headers['netlify-cdn-cache-control'] ?? third.headers['netlify-vary'], undefined);
    t.is(third.headers['content-type'], second.headers['content-type']);
    t.like(head, { status: 200, body: '', headers: { 'content-length': String(third.body.length) } });
    t.not((await get(edge, 'kind=netlify', { headers: { cookie: 'theme=dark' } })).text, third.text);
    const purge = { method: 'POST', headers: { authorization: 'Bearer secret' }, body: '{"cache_tags":["news"]}' };
    t.is((await fetch(`${edge.url}/.well-known/nexthop/purge`, purge)).status, 202);
    t.not((await get(edge, 'kind=netlify')).text, third.text);
    t.is((await get(edge, 'kind=cdn')).headers['cdn-cache-control'], 'max-age=600');
    t.regex((await get(edge, 'kind=cdn')).headers['cache-status'] ?? '', /^nexthop; hit/);
  });

  test(`${what}: a page that sets a field for browsers only, or a cookie, is rendered for each request`, async (t) => {
    const edge = await start(t, setup);

    for (const query of ['kind=browser', 'kind=netlify&login']) {
      const texts = [];
      for (let at = 0; at < 4; at++) texts.push((await get(edge, query)).text);
      t.is(new Set(texts).size, 4, query);
    }
    const { headers } = await get(edge, 'kind=browser');
    t.is(headers['cache-control'], 'public, max-age=600');
    t.is((await get(edge, 'kind=netlify&login')).headers['cache-status'], 'nexthop; fwd=miss; detail=set-cookie');
  });
}
