import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { configureRedis, configureSqlite } from '../../../helpers/configured-store.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { jsonLines } from '../../../helpers/json-lines.ts';
import { scriptedHop } from '../../../helpers/peer.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';
import { untilResult } from '../../../helpers/until-result.ts';

/** A site with these functions, in which `note(value)` writes a line that `notes()` reads. */
async function notingSite(t: ExecutionContext, files: Readonly<Record<string, string>>) {
  const { file, read, until } = await jsonLines<unknown>(t);
  const head = `import { appendFileSync } from 'node:fs'; const note = (value) => appendFileSync(${JSON.stringify(file)}, JSON.stringify(value) + '\\n');\n`;
  const sources = Object.entries(files).map(([path, text]) => [path, path.endsWith('.mjs') ? head + text : text]);
  return {
    folder: await siteFolder(t, Object.fromEntries(sources)),
    notes: read,
    untilNotes: (count: number) => until((lines) => lines.length >= count),
  };
}

const MODERN = `export default async (request) => {
  const { payload, site } = await request.json();
  note(['modern', request.headers.get('x-netlify-event'), payload.state, payload.context, site.url]);
};`;
const LAMBDA = `export const handler = async (event) => {
  const { payload } = JSON.parse(event.body);
  note(['lambda', event.httpMethod, event.headers['x-netlify-event'], payload.id]);
  return { statusCode: 200 };
};`;
const METHODS = `export default {
  async deploySucceeded({ deploy, site }) { note(['method', deploy.id, deploy.permalinkUrl, site.url]); },
  deployFailed() {},
  fetch: () => new Response('fetched'),
};`;
const ENV = { URL: 'https://site.example', CONTEXT: 'staging' };

test('deploy-succeeded runs once for a content, in all three forms of handlers, also after a restart', async (t) => {
  const { folder, notes, untilNotes } = await notingSite(t, {
    'netlify/functions/deploy-succeeded.mjs': MODERN,
    'netlify/functions/deploy-succeeded-background.mjs': LAMBDA,
    'netlify/functions/others.mjs': METHODS,
    'public/index.html': 'one',
  });
  const { env } = await configureSqlite(t);
  const first = await startEdge(t, { site: folder, env: { ...env, ...ENV } });

  const seen = (await untilNotes(3)).toSorted();
  const id = (seen[0] as string[])[3];
  t.regex(id ?? '', /^[0-9a-f]{24}$/);
  t.deepEqual(seen, [
    ['lambda', 'POST', 'deploy_succeeded', id],
    ['method', id, 'https://site.example', 'https://site.example'],
    ['modern', 'deploy_succeeded', 'ready', 'staging', 'https://site.example'],
  ]);
  t.is(await (await fetch(`${first.url}/.netlify/functions/others`)).text(), 'fetched');
  await first.close();
  const second = await startEdge(t, { site: folder, env: { ...env, ...ENV } });
  await writeFile(join(folder, 'public/index.html'), 'two');
  t.is((await second.edge.reload()).state, 'exchanged');
  await untilNotes(6);
  await second.close();

  t.is((await notes()).length, 6);
});

test('of two containers on one Redis one stores the event of a deploy, which DEPLOY_ID may name', async (t) => {
  const { folder, notes, untilNotes } = await notingSite(t, { 'netlify/functions/deploy-succeeded.mjs': LAMBDA });
  const { env } = await configureRedis(t);
  const setup = { site: folder, env: { ...env, DEPLOY_ID: '5c3e5813f203' } };

  const edges = await Promise.all([startEdge(t, setup), startEdge(t, setup)]);
  await untilNotes(1);
  await startEdge(t, { site: folder, env: { ...env, DEPLOY_ID: 'next' } });
  await untilNotes(2);
  await Promise.all(edges.map(({ close }) => close()));

  t.deepEqual(
    (await notes()).map((line) => (line as string[])[3]),
    ['5c3e5813f203', 'next'],
  );
});

test('functions of events have no URL, and those whose events nexthop does not have are reported once by name', async (t) => {
  const { folder, notes } = await notingSite(t, {
    'netlify/functions/submission-created.mjs': LAMBDA,
    'public/index.html': '<form name="a" netlify></form>',
    'netlify/functions/identity-signup.mjs': LAMBDA,
    'netlify/functions/others.mjs': METHODS.replace('async deploySucceeded', 'userLogin() {}, async other'),
  });
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end('HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nhop');
  });
  const { url, edge } = await startEdge(t, { site: folder, env: { NEXT_HOP: hop.url, STORE_FSYNC: '0' } });

  for (const name of ['submission-created', 'identity-signup']) {
    const init = { method: 'POST', body: '{"payload":{}}', headers: { 'x-netlify-event': 'submission_created' } };
    t.is(await (await fetch(`${url}/.netlify/functions/${name}`, init)).text(), 'hop');
  }
  t.deepEqual(await notes(), []);
  t.deepEqual(
    edge.site.problems.map(({ file, message }) => `${file} ${message}`),
    [
      'netlify/functions/identity-signup.mjs handles identity-signup, an event that nexthop does not have: it is never called',
      'netlify/functions/others.mjs nexthop has no events for deployFailed, userLogin: never called',
    ],
  );
});

test('a handler of an event that throws is retried like a background function', async (t) => {
  const { folder, untilNotes } = await notingSite(t, {
    'netlify/functions/deploy-succeeded.mjs': `export default async (request) => {
      const attempt = request.headers.get('x-nexthop-job-attempt');
      note(attempt);
      if (attempt === '1') throw new Error('first');
    };`,
  });
  const room = await configureSqlite(t);
  await startEdge(t, { site: folder, env: room.env });

  await untilNotes(1);
  const { queue } = await room.open();
  await untilResult(
    () => queue.ledger.list({ limit: 1 }),
    ([job]) => job?.failures === 1,
  );
  await room.passTime();

  t.deepEqual(await untilNotes(2), ['1', '2']);
});
