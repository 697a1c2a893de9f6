import test from 'ava';
import { writeWebResponse } from '../../src/http/web-response.ts';
import { serveExchanges } from '../helpers/exchange-server.ts';

test('a body that is at hand goes out with its length', async (t) => {
  const server = await serveExchanges(t, (exchange) => writeWebResponse(exchange, new Response('Hello')));

  const answer = await server.exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.true(
    answer.startsWith(
      'HTTP/1.1 200 OK\r\ncontent-type: text/plain;charset=UTF-8\r\nx-request-id: id-of-this\r\nContent-Length: 5\r\n',
    ),
  );
  t.true(answer.endsWith('\r\n\r\nHello'));
});
