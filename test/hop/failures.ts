import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { complaints } from '../helpers/error-lines.ts';
import { scriptedHop } from '../helpers/peer.ts';
import { startNexthop } from '../helpers/process.ts';
import { refusingPort } from '../helpers/refusing-port.ts';
import { silentPort } from '../helpers/silent-port.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

test('a GET and a POST whose hop refuses the connection get 502', async (t) => {
  const edge = await startEdge(t, { env: { NEXT_HOP: `http://127.0.0.1:${await refusingPort(t)}` } });

  const get = await edge.exchange(GET);
  const post = await edge.exchange('POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi');

  t.regex(get, /^HTTP\/1\.1 502 .*hop_unreachable/s);
  t.regex(post, /^HTTP\/1\.1 502 .*hop_unreachable/s);
  const lines = await edge.accessLines(2);
  t.deepEqual(
    lines.map(({ fault, fault_origin }) => [fault, fault_origin]),
    [
      ['hop_unreachable', 'hop'],
      ['hop_unreachable', 'hop'],
    ],
  );
});

test('nexthop starts although the name of the hop does not resolve, and a request gets 502', async (t) => {
  const edge = await startEdge(t, { env: { NEXT_HOP: 'http://no-such-name.invalid:80' } });

  t.regex(await edge.exchange(GET), /^HTTP\/1\.1 502 .*hop_unreachable/s);
});

for (const LOG_STDOUT of ['0', '1']) {
  test(`a hop whose name does not resolve is reported once on the terminal and in error.log, with the setting; LOG_STDOUT=${LOG_STDOUT}`, async (t) => {
    const running = await startNexthop(t, { env: { NEXT_HOP: 'http://no-such-name.invalid:80', LOG_STDOUT } });

    for (const path of ['/a', '/b']) t.is((await fetch(`http://127.0.0.1:${running.port}${path}`)).status, 502);

    const advice =
      /the name \\?"no-such-name\.invalid\\?" of the next hop does not resolve \(E\w+\), .*; set NEXT_HOP to the URL .*/g;
    const lines = await complaints(running, 3);
    t.is(lines.filter(({ message }) => String(message).match(advice)).length, 1);
    await running.said(new RegExp(advice.source));
    t.is(running.output().match(advice)?.length, 1, running.output());
  });
}

test('a request whose connection to the hop is never accepted gets 504', async (t) => {
  const edge = await startEdge(t, {
    env: { NEXT_HOP: `http://127.0.0.1:${await silentPort(t)}`, HOP_CONNECT_TIMEOUT: '150ms' },
  });

  t.regex(await edge.exchange(GET), /^HTTP\/1\.1 504 .*hop_timeout/s);
});

test('a request whose hop closes the connection without a response gets 502', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end();
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  t.regex(await edge.exchange(GET), /^HTTP\/1\.1 502 .*hop_reset/s);
  t.is(hop.peers.length, 1, 'the first request of a connection is not sent twice');
});

test('a GET is sent once more when its reused connection breaks before the response', async (t) => {
  const hop = await scriptedHop(t, async (peer, index) => {
    await peer.readHead();
    peer.write(`HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n#0${index}`);
    await peer.readHead();
    peer.reset();
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  await edge.exchange(GET);

  const answer = await edge.exchange(GET);

  t.true(answer.endsWith('#01'), answer);
  t.is(hop.peers.length, 2);
});

test('a POST is not sent again when its reused connection breaks before the response', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await peer.readHead();
    peer.reset();
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  await edge.exchange(GET);

  const answer = await edge.exchange('POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 502 .*hop_reset/s);
  t.is(hop.peers.length, 1);
});

test('eight GETs whose reused connections break at the same time get their responses', async (t) => {
  let isRestarted = false;
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    if (!isRestarted) await hop.connections(8);
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await peer.readHead();
    peer.reset();
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const getEight = () => Promise.all(Array.from({ length: 8 }, () => edge.exchange(GET)));
  await getEight();
  isRestarted = true;

  const answers = await getEight();

  for (const answer of answers) t.true(answer.endsWith('ok'), answer);
  t.is(hop.peers.length, 16);
});

test('a request is not sent again when its reused connection breaks in the middle of the head', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nX-Half: ');
    await new Promise((resolve) => peer.socket.write('', resolve));
    peer.end();
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  await edge.exchange(GET);

  t.regex(await edge.exchange(GET), /^HTTP\/1\.1 502 /);
  t.is(hop.peers.length, 1);
});

for (const [title, bytes] of [
  ['bytes that are not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['a bad Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello'],
  ['two different lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello'],
  ['Content-Length and chunked', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a coding in addition to chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello'],
  ['chunked twice', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a folded line', 'HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n'],
  ['a NUL in a header value', 'HTTP/1.1 200 OK\r\nX-A: 1\0\r\nContent-Length: 0\r\n\r\n'],
  ['a bare CR in a header value', 'HTTP/1.1 200 OK\r\nX-A: 1\r2\r\nContent-Length: 0\r\n\r\n'],
  ['a control byte in a header value', 'HTTP/1.1 200 OK\r\nX-A: \x01\r\nContent-Length: 0\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n'],
  [
    'an upgrade that was not requested',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
  ],
  ['a bare 101', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
  ['the status 000', 'HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['RTSP/1.0', 'RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['ICE/1.0', 'ICE/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
] as const) {
  test(`a response with ${title} gets 502`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      peer.write(bytes);
    });
    const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

    t.regex(await edge.exchange(GET), /^HTTP\/1\.1 502 .*hop_(bad_answer|reset)/s);
  });
}

test('a request whose hop sends more than 16 interim responses gets 502', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(1000));
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answer = await edge.exchange(GET);

  t.is(answer.match(/HTTP\/1\.1 103 /g)?.length, 16);
  t.regex(answer, /HTTP\/1\.1 502 .*hop_bad_answer/s);
});

test('a 100 that nexthop did not request is dropped, and a 103 is forwarded without its Content-Length', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 3\r\n\r\n');
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answer = await edge.exchange(GET);

  t.true(answer.startsWith('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n'), answer);
  t.true(answer.endsWith('\r\n\r\nok'));
});

test('a response whose head is above HOP_HEADER_LIMIT gets 502, one below it is forwarded', async (t) => {
  const hop = await scriptedHop(t, async (peer, index) => {
    await peer.readHead();
    peer.write(`HTTP/1.1 200 OK\r\nX-Long: ${'a'.repeat(index === 0 ? 30_000 : 80_000)}\r\nContent-Length: 0\r\n\r\n`);
    peer.end();
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HOP_HEADER_LIMIT: '64k' } });

  t.regex(await edge.exchange(GET), /^HTTP\/1\.1 200 /);
  t.regex(await edge.exchange(GET), /^HTTP\/1\.1 502 .*hop_bad_answer/s);
});

for (const [title, head, rest, end] of [
  ['a short Content-Length body, ended', 'Content-Length: 10', 'hello', 'end'],
  ['a short Content-Length body, reset', 'Content-Length: 10', 'hello', 'reset'],
  ['a chunked body without its last chunk, ended', 'Transfer-Encoding: chunked', '5\r\nhello\r\n', 'end'],
  ['a chunked body without its last chunk, reset', 'Transfer-Encoding: chunked', '5\r\nhello\r\n', 'reset'],
  ['a body without length, reset', 'X-A: 1', 'hello', 'reset'],
] as const) {
  test(`${title}, is recognisably incomplete for the client`, async (t) => {
    const hop = await scriptedHop(t, async (peer) => {
      await peer.readHead();
      peer.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${rest}`);
    });
    const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
    const client = await edge.connect();
    client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.readUntil('hello');

    hop.peers[0]?.[end]();
    await client.until(() => client.closed !== undefined, 'the connection to be cut');

    t.false(client.received.endsWith('0\r\n\r\n'));
    t.regex(client.received, /^HTTP\/1\.1 200 /);
    const [line] = await edge.accessLines(1);
    t.is(line?.fault_origin, 'hop');
  });
}

test('an HTTP/1.0 client can detect that a body without length was cut by a reset', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.write('GET /x HTTP/1.0\r\nHost: a\r\n\r\n');
  await client.readUntil('hello');

  hop.peers[0]?.end();
  await client.until(() => client.closed !== undefined, 'the connection to be cut');

  t.is(client.closed, 'reset', 'an orderly end of the connection would be the end of the body');
});

test('a request with a header that cannot be sent to the hop gets 400', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  t.regex(
    await edge.exchange('GET /x HTTP/1.1\r\nHost: a\r\nX-A: \x01\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 400 /,
  );
});

test('requests above HOP_CONNECTIONS plus HOP_QUEUE get 503 with Retry-After', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HOP_CONNECTIONS: '2', HOP_QUEUE: '1' } });
  const waiting = await Promise.all([edge.connect(), edge.connect(), edge.connect()]);
  for (const client of waiting) client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await hop.connections(2);

  const answer = await edge.exchange(GET);

  t.regex(answer, /^HTTP\/1\.1 503 .*hop_busy/s);
  t.regex(answer, /\r\nRetry-After: 1\r\n/);
  t.is(hop.peers.length, 2);
});

test('a queued request is sent when a connection becomes free', async (t) => {
  const release = Promise.withResolvers<void>();
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      const path = (await peer.readHead()).split(' ')[1];
      if (path === '/first') await release.promise;
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HOP_CONNECTIONS: '1' } });
  const first = await edge.connect();
  first.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\n');
  await hop.connections(1);
  const second = await edge.connect();
  second.write('GET /second HTTP/1.1\r\nHost: a\r\n\r\n');

  release.resolve();

  await first.readUntil('ok');
  await second.readUntil('ok');
  t.is(hop.peers.length, 1);
});
