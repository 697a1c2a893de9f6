import test from 'ava';
import { patchRequest } from '../../src/http/patch-request.ts';
import { withExchange } from '../helpers/exchange.ts';

const REQUEST =
  'POST / HTTP/1.1\r\nHost: a\r\nX-Twice: 1\r\nCookie: a=1\r\nX-Twice: 2\r\nCookie: b=2\r\nContent-Length: 0\r\n\r\n';

test('a header is replaced at its first position, or added at the end', async (t) => {
  const { request } = (await withExchange(t, REQUEST)).exchange;

  const refused = patchRequest(request, [
    ['x-twice', '3'],
    ['X-New', 'n'],
  ]);

  t.deepEqual(refused, []);
  t.deepEqual(request.headers, [
    ...['Host', 'a', 'X-Twice', '3', 'Cookie', 'a=1', 'Cookie', 'b=2', 'Content-Length', '0', 'X-New', 'n'],
  ]);
});

test("a patch changes headers, headersDistinct and rawHeaders of Node's request", async (t) => {
  const { exchange } = await withExchange(t, REQUEST);
  const { request } = exchange.node;
  t.is(request.headers['x-twice'], '1, 2');

  patchRequest(exchange.request, [
    ['x-twice', '3'],
    ['cookie', undefined],
  ]);

  t.deepEqual(request.headers, { host: 'a', 'x-twice': '3', 'content-length': '0' });
  t.deepEqual(request.headersDistinct['x-twice'], ['3']);
  t.deepEqual(request.rawHeaders, ['Host', 'a', 'X-Twice', '3', 'Content-Length', '0']);
});

test('setting all headers to their joined values changes nothing', async (t) => {
  const { request } = (await withExchange(t, REQUEST)).exchange;
  const before = [...request.headers];

  const refused = patchRequest(request, [
    ...Object.entries({ host: 'a', 'x-twice': '1, 2', cookie: 'a=1; b=2', 'content-length': '0' }),
  ]);

  t.deepEqual(refused, []);
  t.deepEqual(request.headers, before);
});

test('a header without a value is removed', async (t) => {
  const { request } = (await withExchange(t, REQUEST)).exchange;

  t.deepEqual(
    patchRequest(request, [
      ['X-TWICE', undefined],
      ['x-none', undefined],
      ['content-length', undefined],
    ]),
    ['content-length'],
  );

  t.deepEqual(request.headers, ['Host', 'a', 'Cookie', 'a=1', 'Cookie', 'b=2', 'Content-Length', '0']);
});

for (const name of ['Host', 'content-length', 'Transfer-Encoding', 'Connection', 'TE', 'Upgrade']) {
  test(`${name} cannot be changed`, async (t) => {
    const { request } = (await withExchange(t, REQUEST)).exchange;
    const before = [...request.headers];

    t.deepEqual(patchRequest(request, [[name, '7']]), [name]);
    t.deepEqual(request.headers, before);
  });
}
