import { connect } from 'node:net';
import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';

/** Answers each request on the connection with an empty 200. */
async function answerAll(peer: Peer): Promise<void> {
  for (;;) {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  }
}

/** The lines of the head that the hop receives for a request with these lines. */
async function headAtHop(
  t: Parameters<typeof startEdge>[0],
  lines: readonly string[],
  env: Record<string, string> = {},
): Promise<string[]> {
  const hop = await scriptedHop(t, answerAll);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, ...env } });
  await edge.exchange([...lines, 'Connection: close', '', ''].join('\r\n'));
  return (hop.peers[0]?.received ?? '').trimEnd().split('\r\n');
}

/** Header lines without those that the hop's connection needs for itself. */
function endToEnd(lines: readonly string[]): string[] {
  return lines.slice(1).filter((line) => !/^(host|connection|via|cdn-loop|x-request-id):/i.test(line));
}

test('order, case and duplicates of headers reach the hop unchanged', async (t) => {
  const headers = ['X-b: 1', 'x-A: 2', 'Accept: */*', 'X-b: 3', 'Authorization: a', 'authorization: b', 'X-Empty: '];

  const lines = await headAtHop(t, ['GET / HTTP/1.1', 'Host: a.example', ...headers]);

  t.deepEqual(endToEnd(lines), headers);
});

test('the bytes of the target reach the hop unchanged', async (t) => {
  const target = '//a/./b/../%2e%2E/c%2fd\\e{|}[`"<>^;=,\'/?q=%zz&&x=//..//';

  const lines = await headAtHop(t, [`GET ${target} HTTP/1.1`, 'Host: a.example']);

  t.is(lines[0], `GET ${target} HTTP/1.1`);
});

test('bytes above 0x7f in a header value reach the hop unchanged', async (t) => {
  const lines = await headAtHop(t, ['GET / HTTP/1.1', 'Host: a.example', 'X-Bytes: \xe4\xbd\xa0 \xff']);

  t.deepEqual(endToEnd(lines), ['X-Bytes: \xe4\xbd\xa0 \xff']);
});

test('Host is forwarded unchanged with its port', async (t) => {
  const lines = await headAtHop(t, ['GET / HTTP/1.1', 'Host: Shop.Example:8443']);

  t.is(lines[1], 'Host: Shop.Example:8443');
});

for (const method of [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'PURGE',
  'PROPFIND',
  'REPORT',
  'M-SEARCH',
  'BREW',
  'purge',
  '!#$%',
]) {
  test(`the method ${method} reaches the hop`, async (t) => {
    const lines = await headAtHop(t, [`${method} /x HTTP/1.1`, 'Host: a.example']);

    t.is(lines[0], `${method} /x HTTP/1.1`);
  });
}

test('hop-by-hop request headers are not forwarded', async (t) => {
  const hopByHop = [
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic x',
    'TE: trailers',
    'Trailer: X-Sum',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABk',
    'X-Stays: 1',
  ];

  const lines = await headAtHop(t, ['GET / HTTP/1.1', 'Host: a.example', ...hopByHop]);

  t.deepEqual(endToEnd(lines), ['X-Stays: 1']);
});

test('headers that Connection nominates are removed, except those that the platform guarantees', async (t) => {
  const lines = await headAtHop(t, [
    'GET / HTTP/1.1',
    'Host: a.example',
    'Connection: X-Private, True-Client-IP, X-Forwarded-For, X-Forwarded-Proto, section-io-id, Authorization, Cookie, Host',
    'X-Private: 1',
    'True-Client-IP: 203.0.113.7',
    'X-Forwarded-For: 203.0.113.7',
    'X-Forwarded-Proto: https',
    'section-io-id: abc',
    'Authorization: Bearer x',
    'Cookie: a=b',
  ]);

  const names = endToEnd(lines).map((line) => line.split(':')[0]);
  t.deepEqual(names, [
    'True-Client-IP',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'section-io-id',
    'Authorization',
    'Cookie',
  ]);
});

test('X-Forwarded-For and X-Forwarded-Proto of a trusted peer pass unchanged', async (t) => {
  const headers = ['X-Forwarded-For: 203.0.113.7, 10.0.0.1', 'X-Forwarded-Proto: https'];

  t.deepEqual(endToEnd(await headAtHop(t, ['GET / HTTP/1.1', 'Host: a', ...headers])), headers);
});

test('APPEND_FORWARDED_FOR=1 appends the peer to X-Forwarded-For', async (t) => {
  const lines = await headAtHop(t, ['GET / HTTP/1.1', 'Host: a', 'X-Forwarded-For: 203.0.113.7', 'X-Other: 1'], {
    APPEND_FORWARDED_FOR: '1',
  });

  t.deepEqual(endToEnd(lines), ['X-Forwarded-For: 203.0.113.7, 127.0.0.1', 'X-Other: 1']);
});

test('APPEND_FORWARDED_FOR=1 adds X-Forwarded-For to a request without one', async (t) => {
  const lines = await headAtHop(t, ['GET / HTTP/1.1', 'Host: a'], { APPEND_FORWARDED_FOR: '1' });

  t.deepEqual(endToEnd(lines), ['X-Forwarded-For: 127.0.0.1']);
});

test('Via has the HTTP version of the client and comes after every earlier Via', async (t) => {
  const lines = await headAtHop(t, ['GET / HTTP/1.0', 'Host: a', 'Via: 1.1 edge']);

  t.deepEqual(
    lines.filter((line) => /^via:/i.test(line)),
    ['Via: 1.1 edge', 'Via: 1.0 nexthop'],
  );
});

test('VIA renames the module in Via and CDN-Loop', async (t) => {
  const lines = await headAtHop(t, ['GET / HTTP/1.1', 'Host: a'], { VIA: 'shop-edge' });

  t.true(lines.includes('Via: 1.1 shop-edge'));
  t.true(lines.includes('CDN-Loop: shop-edge'));
});

test('Max-Forwards is decremented for OPTIONS and forwarded unchanged for GET', async (t) => {
  const options = await headAtHop(t, ['OPTIONS /x HTTP/1.1', 'Host: a', 'Max-Forwards: 3']);
  const get = await headAtHop(t, ['GET /x HTTP/1.1', 'Host: a', 'Max-Forwards: 3']);

  t.deepEqual(endToEnd(options), ['Max-Forwards: 2']);
  t.deepEqual(endToEnd(get), ['Max-Forwards: 3']);
});

test('an OPTIONS with Max-Forwards: 0 is answered without the hop', async (t) => {
  const hop = await scriptedHop(t, answerAll);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answer = await edge.exchange('OPTIONS /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 200 /);
  t.regex(answer, /\r\nAllow: GET/);
  t.is(hop.peers.length, 0);
});

test('OPTIONS * is answered without the hop', async (t) => {
  const hop = await scriptedHop(t, answerAll);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answer = await edge.exchange('OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 200 /);
  t.is(hop.peers.length, 0);
});

test('an absolute-form target becomes origin-form, and its authority becomes the Host', async (t) => {
  const lines = await headAtHop(t, ['GET http://shop.example:81/a?b HTTP/1.1', 'Host: other.example']);

  t.is(lines[0], 'GET /a?b HTTP/1.1');
  t.is(lines[1], 'Host: shop.example:81');
});

test('a request without an id gets one, an existing id is kept', async (t) => {
  const made = await headAtHop(t, ['GET / HTTP/1.1', 'Host: a']);
  const kept = await headAtHop(t, ['GET / HTTP/1.1', 'Host: a', 'X-Request-Id: mine']);

  t.is(made.filter((line) => /^x-request-id: \S{16,}$/i.test(line)).length, 1);
  t.deepEqual(
    kept.filter((line) => /^x-request-id:/i.test(line)),
    ['X-Request-Id: mine'],
  );
});

test('a request that passed LOOP_LIMIT modules of this name gets 508', async (t) => {
  const hop = await scriptedHop(t, answerAll);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, LOOP_LIMIT: '3' } });

  const two = await edge.exchange(
    'GET / HTTP/1.1\r\nHost: a\r\nCDN-Loop: other, nexthop; v=1\r\nCDN-Loop: nexthop\r\nConnection: close\r\n\r\n',
  );
  const three = await edge.exchange(
    'GET / HTTP/1.1\r\nHost: a\r\nCDN-Loop: nexthop, nexthop,nexthop\r\nConnection: close\r\n\r\n',
  );

  t.regex(two, /^HTTP\/1\.1 200 /);
  t.regex(three, /^HTTP\/1\.1 508 /);
});

for (const [title, value, status] of [
  ['names in quoted parameters do not count', 'other; a="x, nexthop, nexthop, y"; b="\\", nexthop", nexthop', 200],
  ['a name with quoted parameters counts', 'nexthop; a="1, 2", nexthop; b="\\"", other', 508],
  ['a quote that is not closed hides no name', 'other; a=", nexthop, nexthop', 508],
] as const) {
  test(`in CDN-Loop ${title}`, async (t) => {
    const hop = await scriptedHop(t, answerAll);
    const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, LOOP_LIMIT: '2' } });

    const answer = await edge.exchange(`GET / HTTP/1.1\r\nHost: a\r\nCDN-Loop: ${value}\r\nConnection: close\r\n\r\n`);

    t.is(Number(answer.slice(9, 12)), status);
  });
}

test('a request to a module whose next hop is itself gets 508', async (t) => {
  let port = 0;
  const wire = await scriptedHop(t, ({ socket }) => {
    const back = connect(port, '127.0.0.1');
    socket.setEncoding();
    socket.pipe(back).pipe(socket);
    t.teardown(() => back.destroy());
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: wire.url, LOOP_LIMIT: '4' } });
  port = edge.port;

  const answer = await edge.exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 508 /);
  t.is((await edge.accessLines(5)).length, 5);
});
