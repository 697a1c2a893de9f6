import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, test } from 'node:test';
import { openTestEdge } from 'nexthop/test';

const edge = await openTestEdge({ site: dirname(import.meta.dirname) });
after(() => edge.close());

test('the page and the endpoint greet by name', async () => {
  assert.match(await (await edge.fetch('/?name=Ada')).text(), /Hello, Ada!/);
  assert.equal(await (await edge.fetch('/api/hello?name=Ada')).text(), 'Hello, Ada!\n');
});
