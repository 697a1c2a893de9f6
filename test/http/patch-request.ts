import test from 'ava';
import { patchRequest } from '../../src/http/patch-request.ts';
import { withExchange } from '../helpers/exchange.ts';

const REQUEST =
  'POST / HTTP/1.1\r\nHost: a\r\nX-Twice: 1\r\nCookie: a=1\r\nX-Twice: 2\r\nCookie: b=2\r\nContent-Length: 0\r\n\r\n';

test('a header is replaced at its first position or added, in all three views', async (t) => {
  const { request } = (await withExchange(t, REQUEST)).exchange;

  const refused = patchRequest(request, [
    ['x-twice', '3'],
    ['X-New', 'n'],
  ]);

  t.deepEqual(refused, []);
  t.deepEqual(request.rawHeaders, [
    ...['Host', 'a', 'X-Twice', '3', 'Cookie', 'a=1', 'Cookie', 'b=2', 'Content-Length', '0', 'X-New', 'n'],
  ]);
  t.like(request.headers, { 'x-twice': '3', 'x-new': 'n' });
  t.like(request.headersDistinct, { 'x-twice': ['3'], 'x-new': ['n'] });
});

test('setting all headers to their joined values changes nothing', async (t) => {
  const { request } = (await withExchange(t, REQUEST)).exchange;
  const before = [...request.rawHeaders];

  const refused = patchRequest(request, [
    ...Object.entries({ host: 'a', 'x-twice': '1, 2', cookie: 'a=1; b=2', 'content-length': '0' }),
  ]);

  t.deepEqual(refused, []);
  t.deepEqual(request.rawHeaders, before);
});

test('a header without a value is removed in all three views', async (t) => {
  const { request } = (await withExchange(t, REQUEST)).exchange;

  t.deepEqual(
    patchRequest(request, [
      ['X-TWICE', undefined],
      ['x-none', undefined],
      ['content-length', undefined],
    ]),
    ['content-length'],
  );

  t.deepEqual(request.rawHeaders, ['Host', 'a', 'Cookie', 'a=1', 'Cookie', 'b=2', 'Content-Length', '0']);
  t.false('x-twice' in request.headers);
  t.false('x-twice' in request.headersDistinct);
});

for (const name of ['Host', 'content-length', 'Transfer-Encoding', 'Connection', 'TE', 'Upgrade']) {
  test(`${name} cannot be changed`, async (t) => {
    const { request } = (await withExchange(t, REQUEST)).exchange;
    const before = [...request.rawHeaders];

    t.deepEqual(patchRequest(request, [[name, '7']]), [name]);
    t.deepEqual(request.rawHeaders, before);
  });
}
