import test from 'ava';
import type { BlobStorage } from '../../../../src/contract/blob-storage.ts';
import { netlify } from '../../../../src/dialects/netlify/netlify.ts';
import { project } from '../../../helpers/project.ts';

const CODE = `export default () => new Response('x'); export const config = { path: '/a' };`;

test('a site that names no blobs gets no context, and its fetch is not guarded for them', async (t) => {
  const touched: string[] = [];
  // Every use of the storage is recorded.
  const blobs = new Proxy({} as BlobStorage, {
    get: (_, name) => {
      touched.push(String(name));
      return undefined;
    },
  });

  const { routes, problems } = await netlify.read(await project(t, { 'netlify/functions/a.mjs': CODE }, { blobs }));

  t.true(routes.length > 0);
  t.deepEqual(problems, []);
  t.deepEqual(touched, []);
  t.false('netlifyBlobsContext' in globalThis);
  t.false(Symbol.for('nexthop.blobs-guard') in globalThis.fetch);
});
