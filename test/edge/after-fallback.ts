import test from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { Fault } from '../../src/contract/fault.ts';
import type { Route } from '../../src/contract/route.ts';
import type { Params } from '../../src/contract/target.ts';
import { serveHandler } from '../helpers/handler-server.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';
import { route } from '../helpers/route.ts';
import { writeText } from '../helpers/write-text.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const MISSING = 'HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nX-Hop: 1\r\n\r\ngone';

/** The route of a function that is tried after the hop. It answers with the method. */
function afterHop(path = '/x', parts: Partial<Route> = {}): Route {
  return route(path, { afterFallback: true, target: { name: 'fn.js', answer: answerMethod }, ...parts });
}

async function answerMethod(exchange: Exchange, _params: Params): Promise<'answered'> {
  writeText(exchange, 200, `function ${exchange.request.method}`);
  return 'answered';
}

/** A hop that answers every request of a connection with the same text. */
function answering(text: string) {
  return async (peer: Peer): Promise<void> => {
    for (;;) {
      await peer.readHead();
      peer.write(text);
    }
  };
}

test('the response of the hop is used if it has one, and the function is not called', async (t) => {
  const hop = await scriptedHop(t, answering('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Hop: 1\r\n\r\nhop'));
  const server = await serveHandler(t, { routes: [afterHop()], env: { NEXT_HOP: hop.url } });
  const client = await server.connect();

  client.write(GET);

  t.regex(await client.readHead(), /^HTTP\/1\.1 200 OK\r\n.*X-Hop: 1\r\n/s);
  t.is(await client.readBytes(3), 'hop');
  const [exchange] = server.exchanges;
  t.like(exchange, { route: '', answeredBy: 'next-hop', upstreamStatus: '200' });
});

for (const status of ['204 No Content', '301 Moved', '403 Forbidden', '410 Gone', '500 Oops']) {
  test(`a response of the hop with ${status} is used`, async (t) => {
    const end = status.startsWith('204') ? '' : 'Content-Length: 0\r\n';
    const hop = await scriptedHop(t, answering(`HTTP/1.1 ${status}\r\n${end}\r\n`));
    const server = await serveHandler(t, { routes: [afterHop()], env: { NEXT_HOP: hop.url } });
    const client = await server.connect();

    client.write(GET);

    t.true((await client.readHead()).startsWith(`HTTP/1.1 ${status}\r\n`));
  });
}

for (const method of ['GET', 'HEAD']) {
  test(`a ${method} that the hop answers with 404 is answered by the function, without anything from the hop`, async (t) => {
    const hop = await scriptedHop(t, answering(method === 'HEAD' ? MISSING.slice(0, -4) : MISSING));
    const server = await serveHandler(t, { routes: [afterHop()], env: { NEXT_HOP: hop.url } });

    const answer = await server.exchange(`${method} /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);

    t.regex(answer, /^HTTP\/1\.1 200 OK\r\n/);
    t.notRegex(answer, /X-Hop|gone/);
    t.is(answer.endsWith('function GET'), method === 'GET');
    t.true(hop.peers[0]?.received.startsWith(`${method} /x HTTP/1.1\r\n`));
    t.like(server.exchanges[0], { route: '/x', answeredBy: 'fn.js', upstreamStatus: '', upstreamAddress: '' });
  });
}

test('the connection to the hop is reused after a 404', async (t) => {
  const hop = await scriptedHop(t, answering(MISSING));
  const server = await serveHandler(t, { routes: [afterHop()], env: { NEXT_HOP: hop.url } });
  const client = await server.connect();

  for (let count = 0; count < 5; count++) {
    client.write(GET);
    await client.readUntil('function GET');
  }

  t.is(hop.peers.length, 1);
  t.is(hop.peers[0]?.received.split('GET /x').length, 6);
});

test('the function does not wait for the body of a 404, and a long body closes the connection to the hop', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngone\r\n');
  });
  const server = await serveHandler(t, { routes: [afterHop()], env: { NEXT_HOP: hop.url } });
  const client = await server.connect();

  client.write(GET);
  await client.readUntil('function GET');

  const [peer] = hop.peers as [Peer];
  t.false(peer.ended);
  peer.write(`80000\r\n${'x'.repeat(0x80000)}`);
  await peer.until(() => peer.ended || peer.closed !== undefined, 'the hop to see the end');
});

test('1xx responses of a hop that then answers 404 do not reach the client', async (t) => {
  const hop = await scriptedHop(t, answering(`HTTP/1.1 103 Early Hints\r\nLink: </hop.css>\r\n\r\n${MISSING}`));
  const server = await serveHandler(t, { routes: [afterHop()], env: { NEXT_HOP: hop.url } });

  const answer = await server.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 200 OK\r\n/);
  t.notRegex(answer, /103|Link/);
});

test('1xx responses of a hop reach the client before its final response', async (t) => {
  const hop = await scriptedHop(
    t,
    answering(`HTTP/1.1 103 Early Hints\r\nLink: </hop.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhop`),
  );
  const server = await serveHandler(t, { routes: [afterHop()], env: { NEXT_HOP: hop.url } });

  const answer = await server.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/hop\.css>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});

test('the function answers if the hop cannot be reached', async (t) => {
  const server = await serveHandler(t, { routes: [afterHop()], env: { NEXT_HOP: 'http://no-such-name.invalid' } });

  t.regex(await server.exchange('GET /x HTTP/1.0\r\n\r\n'), /function GET$/);
  t.like(server.exchanges[0], { answeredBy: 'fn.js', upstreamStatus: '', fault: undefined });
});

test('a hop that closes the connection causes 502, one that exceeds its timeout 504, and the function is not called', async (t) => {
  const broken = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end();
  });
  const silent = await scriptedHop(t, () => undefined);
  const routes = [afterHop()];
  const first = await serveHandler(t, { routes, env: { NEXT_HOP: broken.url } });
  const second = await serveHandler(t, { routes, env: { NEXT_HOP: silent.url, HOP_FIRST_BYTE_TIMEOUT: '100ms' } });

  t.regex(await first.exchange('GET /x HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 502 .*hop_reset/s);
  t.regex(await second.exchange('GET /x HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 504 .*hop_timeout/s);
  t.like(second.exchanges[0], { route: '', answeredBy: 'next-hop' });
});

test('a client that leaves while the hop works ends the request to the hop, and the function is not called', async (t) => {
  let called = false;
  const target = {
    name: 'fn.js',
    answer: async () => {
      called = true;
      return 'answered' as const;
    },
  };
  const hop = await scriptedHop(t, () => undefined);
  const server = await serveHandler(t, { routes: [afterHop('/x', { target })], env: { NEXT_HOP: hop.url } });
  const client = await server.connect();
  client.write(GET);
  const [peer] = await hop.connections(1);
  await peer?.readHead();

  client.reset();

  await peer?.until(() => peer.ended || peer.closed !== undefined, 'the hop to see the end');
  t.false(called);
});

test('a client that leaves while the function runs aborts only the signal of the function', async (t) => {
  const left = Promise.withResolvers<void>();
  const running = Promise.withResolvers<void>();
  const target = {
    name: 'fn.js',
    answer: async (exchange: Exchange) => {
      exchange.listen({ clientLeft: () => left.resolve() });
      running.resolve();
      await left.promise;
      return 'answered' as const;
    },
  };
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    // The rest of this body arrives while the function runs.
    peer.write('HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\n\r\ngone');
    await running.promise;
    peer.write('gone');
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhop');
  });
  const server = await serveHandler(t, { routes: [afterHop('/x', { target })], env: { NEXT_HOP: hop.url } });
  const client = await server.connect();
  client.write(GET);
  await running.promise;

  client.reset();
  await left.promise;

  const other = await server.connect();
  other.write('GET /other HTTP/1.1\r\nHost: a\r\n\r\n');
  await other.readUntil('hop');
  t.is(hop.peers.length, 1);
});

test('the function is tried first for a request that may change something, or has a body', async (t) => {
  const hop = await scriptedHop(t, answering(MISSING));
  const server = await serveHandler(t, { routes: [afterHop()], env: { NEXT_HOP: hop.url } });

  for (const [method, body] of [
    ['POST', 'Content-Length: 2\r\n\r\nhi'],
    ['DELETE', '\r\n'],
    ['GET', 'Content-Length: 2\r\n\r\nhi'],
  ]) {
    const answer = await server.exchange(`${method} /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${body}`);
    t.true(answer.endsWith(`function ${method}`), answer);
  }
  t.is(hop.peers.length, 0);
});

test('the hop is tried once, after the functions of earlier steps and before the first function that is tried after it', async (t) => {
  const hop = await scriptedHop(t, answering(MISSING));
  const called: string[] = [];
  const recording = (name: string, outcome: 'answered' | 'passed') => ({
    name,
    answer: async (exchange: Exchange) => {
      called.push(`${name} after ${hop.peers.length}`);
      if (outcome === 'answered') writeText(exchange, 200, '');
      return outcome;
    },
  });
  const server = await serveHandler(t, {
    routes: [
      route('/x', { step: 2, target: recording('front', 'passed') }),
      afterHop('/x', { target: recording('second', 'passed') }),
      afterHop('/:x', { target: recording('third', 'answered') }),
    ],
    env: { NEXT_HOP: hop.url },
  });

  await server.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.deepEqual(called, ['front after 0', 'second after 1', 'third after 1']);
  t.is(hop.peers[0]?.received.split('GET /x').length, 2);
});

test('the function is tried first if the fallback cannot be tried before it', async (t) => {
  const fallback = { name: 'next', answer: async () => t.fail('the fallback was called') as never };
  const server = await serveHandler(t, { routes: [afterHop()], fallback });

  t.regex(await server.exchange('GET /x HTTP/1.0\r\n\r\n'), /function GET$/);
});

for (const dev of [false, true]) {
  test(`an error of a function is ${dev ? '' : 'not '}sent to the client ${dev ? 'in' : 'outside'} development`, async (t) => {
    const server = await serveHandler(t, { dev, routes: [failing()] });

    const answer = await server.exchange('GET /bad HTTP/1.0\r\nAccept: text/plain\r\n\r\n');

    t.regex(answer, /^HTTP\/1\.1 500 /);
    t.is(/secret plan.*\n {4}at /s.test(answer), dev, answer);
  });
}

function failing(): Route {
  const fault = new Fault('function_error', { message: 'bad.js threw', cause: new Error('secret plan') });
  return route('/bad', { target: { name: 'bad.js', answer: () => Promise.reject(fault) } });
}
