import test from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { Fault } from '../../src/contract/fault.ts';
import type { Route } from '../../src/contract/route.ts';
import type { Params } from '../../src/contract/target.ts';
import { serveHandler } from '../helpers/handler-server.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';
import { route } from '../helpers/route.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const MISSING = 'HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nX-Hop: 1\r\n\r\ngone';

/** A function that says who asks for what, and comes behind the hop. */
function behindHop(path = '/x', parts: Partial<Route> = {}): Route {
  return route(path, { afterFallback: true, target: { name: 'fn.js', answer: sayName }, ...parts });
}

async function sayName({ response, request }: Exchange, _params: Params): Promise<'answered'> {
  response.end(`function ${request.method}`);
  return 'answered';
}

/** A hop that answers every request of a connection by the same text. */
function saying(text: string) {
  return async (peer: Peer): Promise<void> => {
    for (;;) {
      await peer.readHead();
      peer.write(text);
    }
  };
}

test("the hop's answer is taken where it has one, and the function is not asked", async (t) => {
  const hop = await scriptedHop(t, saying('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Hop: 1\r\n\r\nhop'));
  const server = await serveHandler(t, { routes: [behindHop()], env: { NEXT_HOP: hop.url } });
  const client = await server.connect();

  client.write(GET);

  t.regex(await client.readHead(), /^HTTP\/1\.1 200 OK\r\n.*X-Hop: 1\r\n/s);
  t.is(await client.readBytes(3), 'hop');
  const [exchange] = server.exchanges;
  t.like(exchange, { route: '', answeredBy: 'next-hop', upstreamStatus: '200' });
});

for (const status of ['204 No Content', '301 Moved', '403 Forbidden', '410 Gone', '500 Oops']) {
  test(`an answer of the hop with ${status} is taken`, async (t) => {
    const end = status.startsWith('204') ? '' : 'Content-Length: 0\r\n';
    const hop = await scriptedHop(t, saying(`HTTP/1.1 ${status}\r\n${end}\r\n`));
    const server = await serveHandler(t, { routes: [behindHop()], env: { NEXT_HOP: hop.url } });
    const client = await server.connect();

    client.write(GET);

    t.true((await client.readHead()).startsWith(`HTTP/1.1 ${status}\r\n`));
  });
}

for (const method of ['GET', 'HEAD']) {
  test(`a ${method} that the hop answers by 404 is the function's, and nothing of the hop's answer is seen`, async (t) => {
    const hop = await scriptedHop(t, saying(method === 'HEAD' ? MISSING.slice(0, -4) : MISSING));
    const server = await serveHandler(t, { routes: [behindHop()], env: { NEXT_HOP: hop.url } });

    const answer = await server.exchange(`${method} /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);

    t.regex(answer, /^HTTP\/1\.1 200 OK\r\n/);
    t.notRegex(answer, /X-Hop|gone/);
    t.is(answer.endsWith('function GET'), method === 'GET');
    t.true(hop.peers[0]?.received.startsWith(`${method} /x HTTP/1.1\r\n`));
    t.like(server.exchanges[0], { route: '/x', answeredBy: 'fn.js', upstreamStatus: '', upstreamAddress: '' });
  });
}

test('the connection to the hop is used again after its 404', async (t) => {
  const hop = await scriptedHop(t, saying(MISSING));
  const server = await serveHandler(t, { routes: [behindHop()], env: { NEXT_HOP: hop.url } });
  const client = await server.connect();

  for (let count = 0; count < 5; count++) {
    client.write(GET);
    await client.readUntil('function GET');
  }

  t.is(hop.peers.length, 1);
  t.is(hop.peers[0]?.received.split('GET /x').length, 6);
});

test('the function does not wait for the body of a 404, and a long one costs the connection', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngone\r\n');
  });
  const server = await serveHandler(t, { routes: [behindHop()], env: { NEXT_HOP: hop.url } });
  const client = await server.connect();

  client.write(GET);
  await client.readUntil('function GET');

  const [peer] = hop.peers as [Peer];
  t.false(peer.ended);
  peer.write(`80000\r\n${'x'.repeat(0x80000)}`);
  await peer.until(() => peer.ended || peer.closed !== undefined, 'the hop to see the end');
});

test('1xx responses of a hop that then answers 404 do not reach the client', async (t) => {
  const hop = await scriptedHop(t, saying(`HTTP/1.1 103 Early Hints\r\nLink: </hop.css>\r\n\r\n${MISSING}`));
  const server = await serveHandler(t, { routes: [behindHop()], env: { NEXT_HOP: hop.url } });

  const answer = await server.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 200 OK\r\n/);
  t.notRegex(answer, /103|Link/);
});

test('interim answers of a hop that has something come before it', async (t) => {
  const hop = await scriptedHop(
    t,
    saying(`HTTP/1.1 103 Early Hints\r\nLink: </hop.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhop`),
  );
  const server = await serveHandler(t, { routes: [behindHop()], env: { NEXT_HOP: hop.url } });

  const answer = await server.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/hop\.css>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});

test('where no hop can be reached the function answers', async (t) => {
  const server = await serveHandler(t, { routes: [behindHop()], env: { NEXT_HOP: 'http://no-such-name.invalid' } });

  t.regex(await server.exchange('GET /x HTTP/1.0\r\n\r\n'), /function GET$/);
  t.like(server.exchanges[0], { answeredBy: 'fn.js', upstreamStatus: '', fault: undefined });
});

test('a hop that breaks off, or takes too long, is a fault of the hop, and the function is not asked', async (t) => {
  const broken = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end();
  });
  const silent = await scriptedHop(t, () => undefined);
  const routes = [behindHop()];
  const first = await serveHandler(t, { routes, env: { NEXT_HOP: broken.url } });
  const second = await serveHandler(t, { routes, env: { NEXT_HOP: silent.url, HOP_FIRST_BYTE_TIMEOUT: '100ms' } });

  t.regex(await first.exchange('GET /x HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 502 .*hop_reset/s);
  t.regex(await second.exchange('GET /x HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 504 .*hop_timeout/s);
  t.like(second.exchanges[0], { route: '', answeredBy: 'next-hop' });
});

test('a client that leaves while the hop is asked ends that, and the function is not asked', async (t) => {
  let asked = false;
  const target = {
    name: 'fn.js',
    answer: async () => {
      asked = true;
      return 'answered' as const;
    },
  };
  const hop = await scriptedHop(t, () => undefined);
  const server = await serveHandler(t, { routes: [behindHop('/x', { target })], env: { NEXT_HOP: hop.url } });
  const client = await server.connect();
  client.write(GET);
  const [peer] = await hop.connections(1);
  await peer?.readHead();

  client.reset();

  await peer?.until(() => peer.ended || peer.closed !== undefined, 'the hop to see the end');
  t.false(asked);
});

test('a client that leaves while the function runs aborts only the signal of the function', async (t) => {
  const left = Promise.withResolvers<void>();
  const running = Promise.withResolvers<void>();
  const target = {
    name: 'fn.js',
    answer: async (exchange: Exchange) => {
      exchange.onLeave({ clientLeft: () => left.resolve() });
      running.resolve();
      await left.promise;
      return 'answered' as const;
    },
  };
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    // A body that still comes while the function runs.
    peer.write('HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\n\r\ngone');
    await running.promise;
    peer.write('gone');
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhop');
  });
  const server = await serveHandler(t, { routes: [behindHop('/x', { target })], env: { NEXT_HOP: hop.url } });
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

test('a request that cannot be taken back from the hop is asked of the function at once', async (t) => {
  const hop = await scriptedHop(t, saying(MISSING));
  const server = await serveHandler(t, { routes: [behindHop()], env: { NEXT_HOP: hop.url } });

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

test('the hop is asked once, before the first function behind it and after those in front of it', async (t) => {
  const hop = await scriptedHop(t, saying(MISSING));
  const asked: string[] = [];
  const noting = (name: string, outcome: 'answered' | 'passed') => ({
    name,
    answer: async ({ response }: Exchange) => {
      asked.push(`${name} after ${hop.peers.length}`);
      if (outcome === 'answered') response.end();
      return outcome;
    },
  });
  const server = await serveHandler(t, {
    routes: [
      route('/x', { step: 2, target: noting('front', 'passed') }),
      behindHop('/x', { target: noting('second', 'passed') }),
      behindHop('/:x', { target: noting('third', 'answered') }),
    ],
    env: { NEXT_HOP: hop.url },
  });

  await server.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.deepEqual(asked, ['front after 0', 'second after 1', 'third after 1']);
  t.is(hop.peers[0]?.received.split('GET /x').length, 2);
});

test('where the fallback cannot be asked first, the function goes first', async (t) => {
  const fallback = { name: 'next', answer: async () => t.fail('it was asked') as never };
  const server = await serveHandler(t, { routes: [behindHop()], fallback });

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
