import test from 'ava';
import { PreparedHead } from '../../src/http/prepared-head.ts';
import { serveExchanges } from '../helpers/exchange-server.ts';

const HEADERS = [
  'Date',
  'Fri, 15 Jan 2027 08:00:00 GMT',
  'Content-Type',
  'text/plain',
  'X-A',
  '1',
  'x-a',
  '2',
  'Connection',
  'x',
];

for (const [method, status, length] of [
  ['GET', 200, -1],
  ['GET', 404, -1],
  ['GET', 204, -1],
  ['HEAD', 200, 4],
  ['HEAD', 204, -1],
] as const) {
  test(`a ${status} to ${method} has the same bytes with a prepared head as with a list of headers`, async (t) => {
    const head = new PreparedHead(status, HEADERS, []);
    const { exchange } = await serveExchanges(t, (asked) => {
      // A layer reads the list.
      if (asked.target === '/list') asked.addLayer({ toHeaders: (_, _status, headers) => headers });
      head.write(asked, ['Age', '3', 'X-Request-Id', 'b'], length);
      asked.response.end('body');
    });
    const ask = (target: string) => exchange(`${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);

    const prepared = await ask('/text');

    t.is(prepared, await ask('/list'));
    t.true(prepared.includes('\r\nX-A: 1\r\nx-a: 2\r\nAge: 3\r\nX-Request-Id: b\r\n'), prepared);
  });
}

test('a head that cannot be sent is refused before its first use', (t) => {
  t.throws(() => new PreparedHead(200, ['X-A', 'a\r\nb'], []), { instanceOf: TypeError });
  t.throws(() => new PreparedHead(200, [], ['X-A', 'a\nb']), { instanceOf: TypeError });
});
