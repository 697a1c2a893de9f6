import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, test } from 'node:test';
import { openTestEdge } from 'nexthop/test';

const edge = await openTestEdge({ site: dirname(import.meta.dirname) });
after(() => edge.close());

test('the function greets by name', async () => {
  const response = await edge.fetch('/api/hello?name=Ada');

  assert.equal(response.status, 200);
  assert.equal(await response.text(), 'Hello, Ada!\n');
});

test('the site has no mistakes', () => {
  assert.deepEqual(edge.problems, []);
});
