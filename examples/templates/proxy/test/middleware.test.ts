import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, test } from 'node:test';
import { openTestEdge } from 'nexthop/test';

const edge = await openTestEdge({
  site: dirname(import.meta.dirname),
  hop: (request) => new Response(`hop: ${new URL(request.url).pathname} ${request.headers.get('x-from-edge')}`),
});
after(() => edge.close());

test('a request reaches the next hop with the header', async () => {
  assert.equal(await (await edge.fetch('/shop')).text(), 'hop: /shop yes');
});

test('internal paths do not reach it', async () => {
  assert.equal((await edge.fetch('/internal/metrics')).status, 404);
});
