import test from 'ava';
import { bareServer, get, pairServer, readResponse } from '../helpers/node-servers.ts';

test('the headers object of a request is the same as in node:http, whatever the names are', async (t) => {
  const seen = async (start: typeof bareServer) => {
    const seen: unknown[] = [];
    const server = await start(t, ({ headers }, response) => {
      seen.push(Object.entries(headers), Object.getPrototypeOf(headers) === Object.prototype);
      response.end();
    });
    const peer = await server.connect();
    const lists = [
      'uSER-AGENT: a\r\nX-Own-Name: b\r\n',
      'Set-Cookie: a=b\r\n',
      'constructor: a\r\n__proto__: b\r\n',
      'Cookie: a\r\ncookie: b\r\nAccept: a\r\nACCEPT: b\r\nUser-Agent: a\r\nUser-Agent: b\r\n',
      'X-A: a\r\nx-a: b\r\n',
      'X-Empty:\r\nX-Empty: b\r\n',
    ];
    for (const list of lists) {
      peer.write(get('/', list));
      await readResponse(peer);
    }
    return seen;
  };
  t.deepEqual(await seen(pairServer), await seen(bareServer));
});
