import type { ServerResponse } from 'node:http';
import test from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import type { Outcome } from '../../src/contract/target.ts';
import { serveHandler } from '../helpers/handler-server.ts';
import { restFilter } from '../helpers/rest-filter.ts';
import { route } from '../helpers/route.ts';

const HOST = 'Host: a\r\nConnection: close\r\n';
const GET = `GET /x HTTP/1.1\r\n${HOST}\r\n`;

/** Code that writes through Node's response. */
const NODE_APPS: Readonly<Record<string, readonly [write: (response: ServerResponse) => void, expected: RegExp]>> = {
  'a whole body': [(response) => response.end('abc'), /^HTTP\/1\.1 200 OK\r\n.*Content-Length: 3\r\n.*\r\n\r\nabc$/s],
  'a head and parts of a body': [
    (response) => {
      response.writeHead(201, 'Made', { 'X-A': ['1', '2'] });
      response.write('abc');
      setImmediate(() => response.end('de'));
    },
    /^HTTP\/1\.1 201 Made\r\nX-A: 1\r\nX-A: 2\r\n.*\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n$/s,
  ],
  trailers: [
    (response) => {
      response.write('a');
      response.addTrailers({ 'X-T': '1' });
      response.end();
    },
    /\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n$/,
  ],
  'no body': [(response) => response.writeHead(204).end(), /^HTTP\/1\.1 204 No Content\r\n/],
  'a long body': [(response) => response.end('a'.repeat(300_000)), /Content-Length: 300000\r\n.*\r\n\r\na{300000}$/s],
};

for (const [what, [write, expected]] of Object.entries(NODE_APPS)) {
  test(`a filter captures what an app writes through Node's response: ${what}`, async (t) => {
    const target = {
      name: 'app.js',
      answer(exchange: Exchange): Outcome {
        write(exchange.node.response);
        return 'answered';
      },
    };
    const server = await serveHandler(t, { routes: [restFilter(), route('/x', { target })] });

    t.regex(await server.exchange(GET), expected);
    t.is(server.exchanges[0]?.answeredBy, 'app.js');
  });
}

test('an app reads the body of its request through a filter that captures the response', async (t) => {
  const target = {
    name: 'app.js',
    answer(exchange: Exchange): Outcome {
      exchange.node.request.pipe(exchange.node.response);
      return 'answered';
    },
  };
  const server = await serveHandler(t, { routes: [restFilter(), route('/x', { target })] });

  t.regex(
    await server.exchange(`POST /x HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`),
    /\r\n5\r\nhello\r\n0\r\n/,
  );
});

test('the objects of Node are closed when the client of a captured response leaves', async (t) => {
  const closed = Promise.withResolvers<void>();
  const target = {
    name: 'app.js',
    answer(exchange: Exchange): Outcome {
      exchange.node.response.on('close', closed.resolve);
      exchange.node.response.write('a');
      return 'answered';
    },
  };
  const server = await serveHandler(t, { routes: [restFilter(), route('/x', { target })] });
  const client = await server.connect();
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readHead();

  client.reset();

  await t.notThrowsAsync(closed.promise);
});
