import test from 'ava';
import { startBlobsSite } from '../../../helpers/blobs-site.ts';

test('an edge function reads and writes blobs by @netlify/blobs', async (t) => {
  const edge = await startBlobsSite(t, {
    'netlify/edge-functions/visits.ts': `
      import { getStore } from '@netlify/blobs';
      export default async () => {
        const store = getStore({ name: 'visits', consistency: 'strong' });
        const visits = Number((await store.get('count')) ?? 0) + 1;
        await store.set('count', String(visits));
        return new Response(String(visits));
      };
      export const config = { path: '/visits' };`,
  });

  for (const visits of ['1', '2']) {
    t.is(
      (await edge.exchange('GET /visits HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).split('\r\n\r\n')[1],
      visits,
    );
  }
});
