import test from 'ava';
import { toWebRequest } from '../../src/http/web-request.ts';
import { writeWebResponse } from '../../src/http/web-response.ts';
import { serveExchanges } from '../helpers/exchange-server.ts';

test('the URL of a Request is made of scheme, Host and the target as it came', async (t) => {
  const server = await serveExchanges(t, (exchange) =>
    writeWebResponse(exchange, new Response(toWebRequest(exchange).url)),
  );

  const answer = await server.exchange(
    'GET //evil.example/a/?x=1&x=%20 HTTP/1.1\r\nHost: site.example:8080\r\nConnection: close\r\n\r\n',
  );

  t.true(answer.endsWith('\r\n\r\nhttp://site.example:8080//evil.example/a/?x=1&x=%20'));
});
