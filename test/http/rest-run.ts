import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { Fault } from '../../src/contract/fault.ts';
import type { RestResponse } from '../../src/http/rest-response.ts';
import { writeWebResponse } from '../../src/http/web-response.ts';
import { serveHandler } from '../helpers/handler-server.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';
import { restFilter } from '../helpers/rest-filter.ts';
import { route } from '../helpers/route.ts';
import { handshake, switching } from '../helpers/tunnel-server.ts';

const HOST = 'Host: a\r\nConnection: close\r\n';
const GET = `GET /x HTTP/1.1\r\n${HOST}\r\n`;

/** The response to a request without a filter, and with filters that send what they captured. */
async function compare(t: ExecutionContext, request: string, response: string): Promise<void> {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end(response);
  });
  const bare = await serveHandler(t, { routes: [], env: { NEXT_HOP: hop.url } });
  const filtered = await serveHandler(t, { routes: [restFilter(), restFilter()], env: { NEXT_HOP: hop.url } });

  const expected = await bare.exchange(request);
  t.is(withoutDate(await filtered.exchange(request)), withoutDate(expected));
  t.like(filtered.exchanges[0], {
    route: '',
    answeredBy: 'next-hop',
    upstreamStatus: bare.exchanges[0]?.upstreamStatus,
    contentType: bare.exchanges[0]?.contentType,
  });
}

function withoutDate(text: string): string {
  return text.replace(/\r\nDate: [^\r]*/, '');
}

const HEADERS = { ETag: '"1"', 'X-Old': '1' };
const OK = 'HTTP/1.1 200 OK\r\n';

const SAME: Readonly<Record<string, readonly [request: string, response: string]>> = {
  'with a length': [GET, `${OK}Content-Length: 3\r\nX-A: 1\r\nx-a: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nabc`],
  'with a reason of its own': [GET, 'HTTP/1.1 299 Quite \xe9\r\nContent-Length: 0\r\n\r\n'],
  'in chunks': [GET, `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`],
  'in chunks without content': [GET, `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  'with trailers': [GET, `${OK}Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n`],
  'up to the end of the connection': [GET, `${OK}\r\nabc`],
  'to HEAD': [`HEAD /x HTTP/1.1\r\n${HOST}\r\n`, `${OK}Content-Length: 30\r\n\r\n`],
  'with 304': [GET, 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'],
  'with 206': [GET, 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nab'],
  'with 204': [GET, 'HTTP/1.1 204 No Content\r\n\r\n'],
  'that is no HTTP': [GET, 'nonsense\r\n\r\n'],
  'that is cut': [GET, `${OK}Content-Length: 30\r\n\r\nabc`],
  'to HTTP/1.0': ['GET /x HTTP/1.0\r\n\r\n', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`],
};

for (const [what, [request, response]] of Object.entries(SAME)) {
  test(`a response ${what} is the same, byte for byte, through filters that capture it`, async (t) => {
    await compare(t, request, response);
  });
}

test('an interim response is dropped when a filter captures the response', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end(`HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${OK}Content-Length: 1\r\n\r\na`);
  });
  const server = await serveHandler(t, { routes: [restFilter()], env: { NEXT_HOP: hop.url } });

  t.regex(await server.exchange(GET), /^HTTP\/1\.1 200 OK\r\n/);
});

test('a body of a request goes through a filter that captures the response', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    const head = await peer.readHead();
    const body = await peer.readBytes(5);
    peer.end(`${OK}Content-Length: 5\r\nX-Length: ${/Content-Length: (\d+)/.exec(head)?.[1]}\r\n\r\n${body}`);
  });
  const server = await serveHandler(t, { routes: [restFilter()], env: { NEXT_HOP: hop.url } });
  const client = await server.connect();

  client.write(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
  t.is(await client.readHead(), 'HTTP/1.1 100 Continue\r\n\r\n');
  client.write('hello');

  t.regex(await client.readHead(), /X-Length: 5\r\n/);
  t.is(await client.readBytes(5), 'hello');
});

test('a header that a filter sets is added, and all others stay as they were', async (t) => {
  const target = (exchange: Exchange) => writeWebResponse(exchange, new Response('abc', { headers: HEADERS }));
  const filter = restFilter((response) => {
    response.headers.set('x-new', '1');
    response.headers.delete('x-old');
    return response;
  });
  const server = await serveHandler(t, {
    routes: [filter, route('/x', { target: { name: 'fn.js', answer: target } })],
  });

  const text = await server.exchange(GET);
  t.regex(text, /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/plain;charset=UTF-8\r\nETag: "1"\r\nx-request-id/i);
  t.regex(text, /x-new: 1\r\n.*Content-Length: 3\r\n.*\r\n\r\nabc$/s);
  t.notRegex(text, /x-old/);
  t.is(server.exchanges[0]?.answeredBy, 'fn.js');
});

test('another body has neither the length nor the strong ETag of the captured one', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end(`${OK}Content-Length: 3\r\nETag: "1"\r\n\r\nabc`);
  });
  const filter = restFilter(async (rest) => {
    const response = rest as unknown as Response;
    return new Response(`${await response.text()}def`, response);
  });
  const server = await serveHandler(t, { routes: [filter], env: { NEXT_HOP: hop.url } });

  const text = await server.exchange(GET);
  t.regex(text, /etag: W\/"1"\r\n/);
  t.regex(text, /Content-Length: 6\r\n/);
  t.true(text.endsWith('\r\n\r\nabcdef'));
  t.is(server.exchanges[0]?.answeredBy, 'filter.js');
});

test('the same body in another Response keeps its length and its ETag', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end(`${OK}Content-Length: 3\r\nETag: "1"\r\n\r\nabc`);
  });
  const filter = restFilter((response) => new Response(response.body, { status: 201, headers: response.headers }));
  const server = await serveHandler(t, { routes: [filter], env: { NEXT_HOP: hop.url } });

  const text = await server.exchange(GET);
  t.regex(text, /^HTTP\/1\.1 201 Created\r\n.*etag: "1"\r\n.*Content-Length: 3\r\n.*\r\n\r\nabc$/s);
});

test('a coded body is decoded for a filter that reads it, and sent as it is for one that does not', async (t) => {
  const coded = gzipSync('hello');
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    const head = `${OK}Content-Encoding: gzip\r\nETag: "1"\r\nContent-Length: ${coded.length}\r\n\r\n`;
    peer.end(head + coded.toString('latin1'));
  });
  const env = { NEXT_HOP: hop.url };
  const reading = await serveHandler(t, { routes: [restFilter((rest) => new Response(rest.body, rest))], env });
  const looking = await serveHandler(t, {
    routes: [restFilter((rest) => (rest.headers.has('a') ? undefined : rest))],
    env,
  });

  const text = await reading.exchange(GET);
  t.regex(text, /etag: W\/"1"\r\n.*\r\n\r\n5\r\nhello\r\n0\r\n\r\n$|etag: W\/"1"\r\n.*\r\n\r\nhello$/s);
  t.notRegex(text, /content-encoding/i);
  t.true((await looking.exchange(GET)).endsWith(coded.toString('latin1')));
});

test('a fault of a function is an error response for the filter, and logged once', async (t) => {
  let status = 0;
  const failing = route('/x', { target: { name: 'fn.js', answer: () => Promise.reject(new Fault('function_error')) } });
  const filter = restFilter((response) => {
    status = response.status;
    return response;
  });
  const server = await serveHandler(t, { routes: [filter, failing] });

  t.regex(await server.exchange(GET), /^HTTP\/1\.1 500 .*function_error/s);
  t.is(status, 500);
  t.is(server.exchanges[0]?.fault?.code, 'function_error');
});

test('a filter may answer instead of the response that it captured, which is then stopped', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(`${OK}Content-Length: 1000000\r\n\r\n${'a'.repeat(200_000)}`);
  });
  const filter = restFilter(() => new Response('no', { status: 403 }));
  const server = await serveHandler(t, { routes: [filter], env: { NEXT_HOP: hop.url } });

  t.regex(await server.exchange(GET), /^HTTP\/1\.1 403 Forbidden\r\n/);
  const [peer] = await hop.connections(1);
  await peer?.until(() => peer.closed !== undefined, 'the end of the connection');
});

test('the request to the hop is stopped when the client leaves', async (t) => {
  const hop = await scriptedHop(t, () => {});
  const server = await serveHandler(t, { routes: [restFilter()], env: { NEXT_HOP: hop.url } });
  const client = await server.connect();
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  const [peer] = await hop.connections(1);
  await peer?.readHead();

  client.reset();

  await peer?.until(() => peer.closed !== undefined || peer.ended, 'the end of the connection');
  t.true(server.exchanges[0]?.left);
});

const TUNNEL = handshake('Sec-WebSocket-Version: 13');

/** A hop that accepts the WebSocket and sends five bytes back. */
async function acceptTunnel(peer: Peer): Promise<void> {
  await peer.readHead();
  peer.write(switching());
  peer.write(await peer.readBytes(5));
}

const GOING_ON: Readonly<Record<string, (rest: RestResponse) => unknown>> = {
  'that returns what it got': (rest) => rest,
  'that returns it with a header': (rest) => new Response(rest.body, { headers: { 'x-a': '1' } }),
};

for (const [what, change] of Object.entries(GOING_ON)) {
  test(`a WebSocket handshake goes on after a filter ${what}`, async (t) => {
    const hop = await scriptedHop(t, acceptTunnel);
    const server = await serveHandler(t, { routes: [restFilter(change)], env: { NEXT_HOP: hop.url } });
    const client = await server.connect();

    client.write(TUNNEL);
    t.regex(await client.readHead(), /^HTTP\/1\.1 101 /);
    client.write('hello');

    t.is(await client.readBytes(5), 'hello');
  });
}

test('a filter refuses a WebSocket handshake with its own response', async (t) => {
  const hop = await scriptedHop(t, acceptTunnel);
  const filter = restFilter(() => new Response('no', { status: 403 }));
  const server = await serveHandler(t, { routes: [filter], env: { NEXT_HOP: hop.url } });
  const client = await server.connect();

  client.write(TUNNEL);

  t.regex(await client.readHead(), /^HTTP\/1\.1 403 /);
  t.is(hop.peers.length, 0);
});
