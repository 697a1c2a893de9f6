import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ask, type Question } from '../helpers/cached-server.ts';
import { startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

async function open(t: ExecutionContext, files: Readonly<Record<string, string>>) {
  const site = await siteFolder(t, files);
  const edge = await startEdge(t, { site });
  return { site, edge, get: (question: Question) => ask(edge.port, question) };
}

test('a page that is renewed during a reload is not kept for the new version', async (t) => {
  const held = globalThis as { heldPages?: (() => void)[] };
  held.heldPages = [];
  t.teardown(() => delete held.heldPages);
  const page = (version: string): string => `let calls = 0;
    export default async () => {
      calls++;
      if (calls === 2 && '${version}' === 'old') await new Promise((resolve) => globalThis.heldPages.push(resolve));
      return new Response('${version} ' + calls, { headers: { 'cache-control': 'max-age=0, stale-while-revalidate=60' } });
    };
    export const config = { path: '/slow' };`;
  const { site, edge, get } = await open(t, { 'netlify/functions/slow.mjs': page('old') });
  t.is((await get({ path: '/slow' })).body, 'old 1');
  t.is((await get({ path: '/slow' })).body, 'old 1');
  await until(() => held.heldPages?.length === 1, 'the renewal');
  await writeFile(join(site, 'netlify/functions/slow.mjs'), page('new'));
  await edge.edge.reload();

  held.heldPages[0]?.();
  await edge.edge.running.pendingWork.settled();

  t.is((await get({ path: '/slow' })).body, 'new 1');
});

test('an error of a function for which a stored response was sent is in error.log', async (t) => {
  const { edge, get } = await open(t, {
    'netlify/functions/f.mjs': `let calls = 0;
      export default () => {
        if (++calls > 1) throw new Error('the database is away');
        return new Response('stored', { headers: { 'cache-control': 'max-age=1, stale-if-error=600' } });
      };
      export const config = { path: '/f' };`,
  });
  await untilResult(
    () => get({ path: '/f' }),
    ({ body, headers }) => body === 'stored' && /fwd=stale/.test(headers['cache-status'] ?? ''),
  );

  const lines = await untilResult(
    async () => (await edge.errorLines()).filter(({ level }) => level === 'error'),
    ({ length }) => length > 0,
  );
  t.like(lines[0], { target: 'netlify/functions/f.mjs' });
  t.regex(JSON.stringify(lines[0]), /the database is away/);
});

test('a lifetime that Set-Cookie or Vary makes useless is reported once for each route', async (t) => {
  const page = (path: string, headers: string) => `export default () => new Response('', { headers: { ${headers} } });
    export const config = { path: '${path}' };`;
  const lifetime = "'cache-control': 'public, max-age=60'";
  const { edge, get } = await open(t, {
    'netlify/functions/a.mjs': page('/a', `${lifetime}, 'set-cookie': 'a=b'`),
    'netlify/functions/b.mjs': page('/b', `${lifetime}, 'vary': 'User-Agent, Cookie'`),
    'netlify/functions/c.mjs': page('/c', `${lifetime}, 'vary': 'Accept'`),
    'netlify/functions/d.mjs': page('/d', `'set-cookie': 'a=b', 'vary': 'Cookie'`),
  });
  for (const path of ['/a', '/a', '/b', '/b?x', '/c', '/d']) await get({ path });

  const lines = await untilResult(
    async () => (await edge.errorLines()).filter(({ message }) => String(message).includes('lifetime')),
    ({ length }) => length >= 3,
  );
  t.deepEqual(
    lines.map(({ level, route, message }) => [level, route, /Set-Cookie|cookie|user-agent/.exec(String(message))?.[0]]),
    [
      ['warn', '/a', 'Set-Cookie'],
      ['warn', '/b', 'cookie'],
      ['warn', '/b', 'user-agent'],
    ],
  );
});
