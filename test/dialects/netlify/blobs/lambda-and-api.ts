import { getStore } from '@netlify/blobs';
import test from 'ava';
import { readBlobsContext, startBlobsSite } from '../../../helpers/blobs-site.ts';

const LAMBDA = `
  import { connectLambda, getStore, getDeployStore } from '@netlify/blobs';
  export const handler = async (event) => {
    connectLambda(event);
    const store = getStore({ name: 'things', consistency: 'strong' });
    await store.set('key', 'by lambda');
    await getDeployStore().set('key', 'x');
    const { blobs, headers } = event;
    return { statusCode: 200, body: JSON.stringify({ text: await store.get('key'), blobs: Buffer.from(blobs, 'base64').toString(), headers }) };
  };`;

test.serial('a Lambda-compatible function uses blobs after connectLambda, with strong reads', async (t) => {
  const { url } = await startBlobsSite(t, { 'netlify/functions/old.js': LAMBDA }, { SITE_ID: 'my-site' });

  const response = await fetch(`${url}/.netlify/functions/old`, { headers: { 'x-nf-deploy-id': 'forged' } });
  const { text, blobs, headers } = (await response.json()) as {
    text: string;
    blobs: string;
    headers: Record<string, string>;
  };

  t.is(text, 'by lambda');
  t.like(JSON.parse(blobs), { url: 'http://blobs.nexthop.internal' });
  t.is(headers['x-nf-site-id'], 'my-site');
  t.regex(headers['x-nf-deploy-id'] ?? '', /^\w{24}$/);
  t.is(await (await fetch(`${url}/blob`)).text(), 'by lambda');
});

test.serial('with BLOBS_CAPTURE=1 a store with siteID and token is that of this site', async (t) => {
  await startBlobsSite(t, {}, { BLOBS_CAPTURE: '1' });
  const store = getStore({ name: 'things', siteID: 'other', token: 'of Netlify' });

  await store.set('a/b c', 'captured', { metadata: { a: 1 } });

  t.is(await getStore('things').get('a/b c', { type: 'text' }), 'captured');
  t.like(await store.getWithMetadata('a/b c', { type: 'text' }), { data: 'captured', metadata: { a: 1 } });
  t.deepEqual((await store.getMetadata('a/b c'))?.metadata, { a: 1 });
  t.false((await store.set('a/b c', 'x', { onlyIfNew: true })).modified);
  t.deepEqual(
    (await store.list()).blobs.map(({ key }) => key),
    ['a/b c'],
  );
  await store.delete('a/b c');
  t.falsy(await store.get('a/b c', { type: 'text' }));
});

test.serial('with BLOBS_CAPTURE=1 requests of old clients are answered, too', async (t) => {
  await startBlobsSite(t, {}, { BLOBS_CAPTURE: '1' });
  const api = 'https://api.netlify.com/api/v1/sites/other/blobs';
  const headers = { authorization: 'Bearer of Netlify' };
  const urlOf = async (method: string): Promise<string> => {
    const response = await fetch(`${api}/key?context=site%3Athings`, { method, headers });
    return ((await response.json()) as { url: string }).url;
  };

  t.is((await fetch(await urlOf('PUT'), { method: 'PUT', body: 'old' })).status, 200);
  t.is(await (await fetch(await urlOf('GET'))).text(), 'old');
  const list = await (await fetch(`${api}?context=site%3Athings`, { headers })).json();
  t.like(list, { blobs: [{ key: 'key', size: 3 }] });
});

test.serial('without BLOBS_CAPTURE such a store is the one at Netlify, and the start says so', async (t) => {
  const { fetch: plain } = globalThis;
  const sent: string[] = [];
  globalThis.fetch = async (input) => {
    sent.push(String(input));
    return new Response(null, { status: 404 });
  };
  t.teardown(() => {
    globalThis.fetch = plain;
  });
  const code = `import { getStore } from '@netlify/blobs';
    export default () => getStore({ name: 'a', siteID: process.env.ID, token: process.env.TOKEN });`;
  const { edge } = await startBlobsSite(t, { 'netlify/functions/token.mjs': code });

  t.deepEqual((await getStore({ name: 'things', siteID: 'other', token: 'x' }).list()).blobs, []);

  t.deepEqual(sent, ['https://api.netlify.com/api/v1/blobs/other/site:things']);
  const messages = edge.site.problems.map(({ message }) => message).join('\n');
  t.regex(messages, /a store that is opened with siteID and token is the one at Netlify; BLOBS_CAPTURE=1/);
});

test.serial('a request for another site or with another token is refused', async (t) => {
  await startBlobsSite(t);
  const { token, siteID, edgeURL } = readBlobsContext();
  const status = async (path: string, authorization: string) =>
    (await fetch(`${edgeURL}${path}`, { headers: { authorization } })).status;

  t.is(await status(`/${siteID}/site:things`, `Bearer ${token}`), 200);
  t.is(await status(`/${siteID}/site:things`, 'Bearer x'), 403);
  t.is(await status(`/other/site:things`, `Bearer ${token}`), 400);
  t.is(await status(`/.signed:x/${siteID}/site:things/key`, ''), 403);
});
