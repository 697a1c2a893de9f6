import test from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

/**
 * Makes the requests that `@edgeone/pages-blob` 0.0.16 makes, as a bundler puts them into a file of the site. Its signatures are left out, because
 * nothing checks them.
 */
const CLIENT = `
  let keys;
  async function request(method, key, { headers = {}, query, body, host = 'blob-nocache' } = {}) {
    if (!keys) {
      const token = process.env.PAGES_BLOB_DEPLOY_CREDENTIAL;
      const response = await fetch('https://blob-sts.edgeone.site/', {
        method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + token, 'X-Env': 'prod' }, body: '{}',
      });
      keys = await response.json();
    }
    const url = new URL('https://' + keys.appId + '-' + keys.projectId + '.' + host + '.edgeone.site');
    url.pathname = '/' + key.split('/').map(encodeURIComponent).join('/');
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const all = new Headers({ ...headers, Authorization: 'q-sign-algorithm=sha1', 'x-cos-security-token': keys.sessionToken });
    return fetch(url.toString(), { method, headers: all, body });
  }
  const root = () => keys.resourcePrefix.replace('/*', '') + '/';
  const path = async (store, key) => { if (!keys) await request('GET', 'none'); return root() + store + '/' + key; };
  export const store = (name) => ({
    set: async (key, body, headers) => (await request('PUT', await path(name, key), { body, headers })).status,
    get: async (key) => { const r = await request('GET', await path(name, key), { host: 'blob' }); return r.status === 404 ? null : r.text(); },
    head: async (key) => { const r = await request('HEAD', await path(name, key)); return [r.status, ...['content-type', 'cache-control', 'content-length'].map((n) => r.headers.get(n))]; },
    delete: async (key) => (await request('DELETE', await path(name, key))).status,
    list: async (query) => {
      const response = await request('GET', '', { query: { ...query, prefix: await path(name, query.prefix ?? '') } });
      const text = await response.text();
      const all = (tag) => [...text.matchAll(new RegExp('<' + tag + '>([^<]*)</' + tag + '>', 'g'))].map(([, value]) => value.replace(root() + name + '/', ''));
      return { keys: all('Key'), folders: all('Prefix'), next: all('NextMarker')[0], isTruncated: all('IsTruncated')[0] };
    },
  });`;

const FILES = {
  'cloud-functions/run.js': `${CLIENT}
    import { getStore } from '@edgeone/pages-blob';
    const AsyncFunction = (async () => {}).constructor;
    export const onRequest = async ({ request }) =>
      Response.json({ value: await new AsyncFunction('store', 'getStore', request.body)(store, getStore) });`,
};

test('requests of a bundled copy of @edgeone/pages-blob reach the blobs of the site', async (t) => {
  const { url, edge } = await startEdge(t, { site: await siteFolder(t, FILES) });
  const run = async (code: string): Promise<unknown> => {
    const response = await fetch(`${url}/run`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: code,
    });
    return ((await response.json()) as { value: unknown }).value;
  };

  t.deepEqual(
    await run(`const s = store('a'); return [
      await s.get('k'), await s.set('k', 'one', { 'If-None-Match': '*', 'Content-Type': 'text/x', 'Cache-Control': 'max-age=5' }),
      await s.set('k', 'two', { 'If-None-Match': '*' }), await s.get('k'), await s.head('k'), await s.head('none'),
      await getStore('a').get('k'),
    ];`),
    [null, 200, 412, 'one', [200, 'text/x', 'max-age=5', '3'], [404, null, null, null], 'one'],
  );
  t.deepEqual(
    await run(`const s = store('b'); const stream = new Blob(['str', 'eam']).stream();
      return [await s.set('a/x', stream), await s.get('a/x'), await s.set('a/<&"', '2'), await s.set('b', '3'), await s.delete('a/x'), await s.delete('a/x'), await s.get('a/x')];`),
    [200, 'stream', 200, 200, 204, 204, null],
  );
  t.deepEqual(await run(`return store('b').list({ delimiter: '/' })`), {
    keys: ['b'],
    folders: ['a/'],
    isTruncated: 'false',
  });
  t.deepEqual(
    await run(`const s = store('b'); await s.set('c', '4'); const first = await s.list({ 'max-keys': 2 });
      const rest = await s.list({ 'max-keys': 2, marker: first.next }); return [first.keys, first.isTruncated, rest.keys, rest.isTruncated];`),
    [['a/&lt;&amp;&quot;', 'b'], 'true', ['c'], 'false'],
  );
  t.deepEqual(
    await run(`const s = getStore('b'); const first = await s.list({ limit: 2 }); const rest = await s.list({ limit: 2, cursor: first.cursor });
      return [first.blobs.length, rest.blobs.map(({ key }) => key), rest.cursor ?? null];`),
    [2, ['c'], null],
    'no blob is left out between pages of a limit',
  );
  t.deepEqual(
    edge.site.problems.map(({ file, message }) => `${file} ${message}`),
    [
      'cloud-functions/run.js has a bundled copy of @edgeone/pages-blob, whose blobs are those of this site, but createUploadUrl gives URLs of the platform',
    ],
  );
});
