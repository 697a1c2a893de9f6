import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { Fault } from '../../../../src/contract/fault.ts';
import type { Purging } from '../../../../src/contract/purging.ts';
import { toLambdaRun } from '../../../../src/dialects/netlify/call/lambda-run.ts';
import { answerPurges } from '../../../../src/dialects/netlify/call/purge-answers.ts';
import { type FunctionServer, serveFunction } from '../../../helpers/function-server.ts';
import { netlifyPlatform } from '../../../helpers/lambda-server.ts';

const PURGE = 'https://api.netlify.com/api/v1/purge';

type Purged = readonly string[] | 'everything';

/** Records what is purged. */
function recordPurges(): Purging & { readonly purged: Purged[] } {
  const purged: Purged[] = [];
  return { token: randomUUID(), purged, purge: async (tags) => void purged.push(tags) };
}

/** A function that calls purgeCache() of the real package with the options of its query. */
function servePurge(t: ExecutionContext, purging: Purging, userToken = ''): Promise<FunctionServer> {
  const code = `
    import { purgeCache } from '@netlify/functions';
    export default async ({ url }) => {
      const options = JSON.parse(new URL(url).searchParams.get('options'));
      return new Response(await purgeCache(options).then(() => 'purged', (error) => error.message));
    };`;
  return serveFunction(t, code, { project: { purging, env: { NETLIFY_PURGE_API_TOKEN: userToken } } });
}

async function call({ url }: FunctionServer, options: object): Promise<string> {
  return (await fetch(`${url}/?options=${encodeURIComponent(JSON.stringify(options))}`)).text();
}

for (const [what, options, purged] of [
  ['tags', { tags: ['news', 'Sports'] }, ['news', 'Sports']],
  ['everything without tags', {}, 'everything'],
  ['nothing for an empty list', { tags: [] }, []],
  [
    'the tags of this site, whatever site, domain or deploy it names',
    { tags: ['a'], domain: 'x.example', deployAlias: 'y' },
    ['a'],
  ],
] as const) {
  test(`purgeCache purges ${what}`, async (t) => {
    const purging = recordPurges();
    const server = await servePurge(t, purging);

    t.is(await call(server, { siteID: 'a', token: purging.token, ...options }), 'purged');

    t.deepEqual(purging.purged, [purged as Purged]);
  });
}

test('purgeCache fails with a wrong token, also with that of the platform if the operator has not set it', async (t) => {
  const purging = recordPurges();
  const server = await servePurge(t, purging);

  for (const token of ['wrong', '', `${purging.token}x`]) {
    t.regex(await call(server, { siteID: 'a', token }), /status code: 401|token was not found/);
  }
  t.deepEqual(purging.purged, []);
});

test('a token that the operator has set for the API of the platform is accepted, too', async (t) => {
  const purging = recordPurges();
  const server = await servePurge(t, purging, 'of-the-operator');

  t.is(await call(server, { siteID: 'a', token: 'of-the-operator' }), 'purged');
});

test('of two sites in one process each purges its own responses, whichever token it sends', async (t) => {
  const [ours, theirs] = [recordPurges(), recordPurges()];
  const server = await servePurge(t, ours);
  await servePurge(t, theirs);

  t.is(await call(server, { siteID: 'a', token: theirs.token, tags: ['a'] }), 'purged');

  t.deepEqual([ours.purged, theirs.purged], [[['a']], []]);
});

test('purgeCache fails while the store is away', async (t) => {
  const purging = { token: randomUUID(), purge: () => Promise.reject(new Fault('store_unavailable')) };
  const server = await servePurge(t, purging);

  t.regex(await call(server, { siteID: 'a', token: purging.token }), /status code: 503/);
});

test('requests to the API of the platform that are no valid purge get its statuses', async (t) => {
  const purging = recordPurges();
  answerPurges(purging);
  const headers = { authorization: `Bearer ${purging.token}` };

  const statuses = [
    await fetch(PURGE, { method: 'POST', headers, body: 'no json' }),
    await fetch(new URL(PURGE), { method: 'POST', headers, body: '{"cache_tags":"a"}' }),
    await fetch(new Request('https://API.NETLIFY.COM:443/api/v1/purge?x', { method: 'POST', headers, body: '{}' })),
    await fetch(PURGE, { method: 'POST', body: '{}' }),
    await fetch(PURGE),
  ].map(({ status }) => status);

  t.deepEqual(statuses, [400, 400, 202, 401, 405]);
  t.deepEqual(purging.purged, ['everything']);
});

test('a Lambda-compatible function gets the token in its client context', async (t) => {
  const purging = recordPurges();
  const platform = { ...netlifyPlatform([]), purging };
  let token: unknown;
  const handler = async (_event: unknown, context: { clientContext: { custom: { purge_api_token: string } } }) => {
    token = context.clientContext.custom.purge_api_token;
    return { statusCode: 200 };
  };
  const run = toLambdaRun({ handler }, { name: 'f', file: 'f.js', platform });
  const parts = { method: 'GET', url: 'http://a.example/', rawHeaders: [], readBody: async () => Buffer.alloc(0) };

  await run?.({ ...parts, params: {}, requestId: 'x', clientAddress: '', trusted: false } as never);

  t.is(token, purging.token);
});
