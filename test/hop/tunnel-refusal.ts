import test, { type ExecutionContext } from 'ava';
import { type Peer, scriptedHop } from '../helpers/peer.ts';
import { handshake, serveTunnels, switching, type TunnelServer } from '../helpers/tunnel-server.ts';
import { until } from '../helpers/until.ts';

/**
 * Starts a hop that reads the head of a request and then calls `answer`, and a client that has sent
 * the handshake.
 */
async function requestUpgrade(
  t: ExecutionContext,
  answer: (hop: Peer) => Promise<void> | void,
): Promise<{ edge: TunnelServer; client: Peer; hop: () => Peer | undefined }> {
  const listener = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    await answer(peer);
  });
  const edge = await serveTunnels(t, listener.port);
  return { edge, client: await edge.sendHandshake(), hop: () => listener.peers[0] };
}

test('a refusal with a length is forwarded with its reason and every header, and both connections stay open', async (t) => {
  const { edge, client, hop } = await requestUpgrade(t, async (peer) => {
    peer.write(
      'HTTP/1.1 401 Who are you\r\nWWW-Authenticate: Basic\r\nset-cookie: a=1\r\nConnection: keep-alive\r\nSet-Cookie: b=2\r\nset-cookie: c=3\r\nContent-Length: 4\r\n\r\nname',
    );
    await peer.readHead();
    peer.write(switching());
  });

  const answer = await client.readUntil('name');

  t.is(
    answer.replace(/Date: .*\r\n/, ''),
    'HTTP/1.1 401 Who are you\r\nWWW-Authenticate: Basic\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nset-cookie: c=3\r\nx-request-id: id-of-this\r\nContent-Length: 4\r\nConnection: keep-alive\r\nKeep-Alive: timeout=20\r\n\r\nname',
  );
  await edge.settled(1);
  t.is(edge.exchanges[0]?.upstreamStatus, '401');
  t.is(edge.exchanges[0]?.response.sentBytes, 4);
  client.write(handshake('Authorization: Basic x'));
  t.regex(await client.readHead(), /^HTTP\/1\.1 101 /);
  t.regex(hop()?.received ?? '', /\r\nAuthorization: Basic x\r\n/);
});

test('a chunked refusal is forwarded chunked and with its last chunk', async (t) => {
  const { client } = await requestUpgrade(t, (peer) =>
    peer.write('HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n4\r\n you\r\n0\r\n\r\n'),
  );

  const answer = await client.readUntil('\r\n0\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 403 Forbidden\r\n/);
  t.is(answer.match(/transfer-encoding: chunked/gi)?.length, 1);
  t.regex(answer, /\r\n\r\n3\r\nnot\r\n4\r\n you\r\n0\r\n\r\n$/);
});

test('a refusal that ends with its connection is forwarded completely', async (t) => {
  const { client } = await requestUpgrade(t, (peer) => peer.end('HTTP/1.1 500 Oh\r\n\r\nall of it'));

  const answer = await client.readUntil('\r\n0\r\n\r\n');

  t.regex(answer, /\r\nTransfer-Encoding: chunked\r\n/);
  t.regex(answer, /\r\n9\r\nall of it\r\n0\r\n\r\n$/);
});

test('bytes that a client sends after a refused handshake are its next request', async (t) => {
  const { client, hop } = await requestUpgrade(t, (peer) =>
    peer.write('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nn'),
  );
  await client.readUntil('\r\n\r\nn');

  client.write('POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi');
  hop()?.write('o');

  t.regex(await client.readUntil('POST /next hi'), /^oHTTP\/1\.1 200 /);
});

test('bytes after a refused handshake that are no request end the connection after the refusal', async (t) => {
  const { edge, client, hop } = await requestUpgrade(t, (peer) =>
    peer.write('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nn'),
  );
  await client.readUntil('\r\n\r\nn');

  client.write('x'.repeat(1024 * 1024));
  await until(() => edge.exchanges[0]?.socket.isPaused() === true, 'the client to be held up');
  hop()?.write('o');

  t.regex(await client.readToEnd(), /^oHTTP\/1\.1 431 /);
  t.true((edge.exchanges[0]?.socket.bytesRead ?? 0) < 1024 * 1024);
});

test('a refusal without a body is forwarded without one', async (t) => {
  const { client } = await requestUpgrade(t, (peer) => peer.write('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'));

  const answer = await client.readHead();

  t.true(answer.startsWith('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n'));
  t.is(client.rest, '');
  t.notRegex(answer, /Transfer-Encoding|Content-Length/);
});

test('early hints are forwarded before the refusal, an unrequested 100 is not', async (t) => {
  const { client } = await requestUpgrade(t, (peer) =>
    peer.write(
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n',
    ),
  );

  const answer = await client.readUntil('Content-Length: 0\r\n');

  t.true(answer.startsWith('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\nHTTP/1.1 404 Not Found\r\n'));
});

test('the head of a refusal is sent before its body arrives', async (t) => {
  const { client, hop } = await requestUpgrade(t, (peer) =>
    peer.write('HTTP/1.1 429 Slow Down\r\nContent-Length: 4\r\n\r\n'),
  );

  t.regex(await client.readHead(), /^HTTP\/1\.1 429 Slow Down\r\n/);
  hop()?.write('wait');
  t.is(await client.readBytes(4), 'wait');
});

test('a client that reads slowly gets a large refusal completely', async (t) => {
  const length = 16 * 1024 * 1024;
  const { edge, client } = await requestUpgrade(t, (peer) =>
    peer.write(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`),
  );
  client.socket.pause();
  await until(() => edge.exchanges[0]?.socket.writableNeedDrain === true, 'bytes to wait for the client');

  const read = await settledValue(() => edge.exchanges[0]?.response.sentBytes ?? 0);
  t.true(read < length, `${read} bytes were read from the hop while the client read none`);
  client.socket.resume();
  await client.readHead();

  t.is((await client.readBytes(length)).length, length);
});

/** Resolves with the value once 20 successive reads were equal. */
async function settledValue(read: () => number): Promise<number> {
  let last = read();
  let equalReads = 0;
  await until(() => {
    equalReads = read() === last ? equalReads + 1 : 0;
    last = read();
    return equalReads === 20;
  }, 'the value to settle');
  return last;
}

const INCOMPLETE: readonly [string, string, (hop: Peer) => void][] = [
  ['with a length, cut by an end', 'Content-Length: 9\r\n\r\nsome', (hop) => hop.end()],
  ['with a length, cut by a reset', 'Content-Length: 9\r\n\r\nsome', (hop) => hop.reset()],
  ['in chunks, cut by an end', 'Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n', (hop) => hop.end()],
  ['in chunks, cut by a reset', 'Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n', (hop) => hop.reset()],
  ['in chunks, one of them bad', 'Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n', (hop) => hop.write('x\r\n')],
  ['without framing, cut by a reset', '\r\nsome', (hop) => hop.reset()],
];

for (const [how, rest, breakOff] of INCOMPLETE) {
  test(`a refusal ${how}, is recognisably incomplete for the client`, async (t) => {
    const { edge, client, hop } = await requestUpgrade(t, (peer) => peer.write(`HTTP/1.1 400 Bad\r\n${rest}`));
    const head = await client.readHead();
    await client.readUntil('some');
    const peer = hop();

    if (peer) breakOff(peer);

    const end = await client.readToEnd();
    t.true(/Content-Length: 9/.test(head) ? end.length < 5 : !end.includes('0\r\n\r\n'), end);
    await edge.settled(1);
    t.is(edge.tunnels.size, 0);
  });
}

test('a client that leaves in the middle of a refusal ends the connection to the hop, too', async (t) => {
  const { edge, client, hop } = await requestUpgrade(t, (peer) =>
    peer.write('HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\nsome'),
  );
  await client.readUntil('some');

  client.reset();

  await hop()?.readToEnd();
  await edge.settled(1);
  t.is(edge.tunnels.size, 0);
});

test("a refusal whose head is larger than Node's default limit is forwarded", async (t) => {
  const cookie = `Set-Cookie: a=${'a'.repeat(20_000)}`;
  const { client } = await requestUpgrade(t, (peer) =>
    peer.write(`HTTP/1.1 403 No\r\n${cookie}\r\nContent-Length: 0\r\n\r\n`),
  );

  t.true((await client.readHead()).includes(`${cookie}\r\n`));
});

const UNUSABLE: readonly [string, string][] = [
  ['an answer that is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['two lengths', 'HTTP/1.1 403 No\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ['a length and chunks', 'HTTP/1.1 403 No\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a status below 100', 'HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n'],
  ['a 101 that names no protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
  ['a 101 to another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'],
  ['a head beyond the limit', `HTTP/1.1 403 No\r\nA: ${'a'.repeat(200_000)}\r\n\r\n`],
];

for (const [what, bytes] of UNUSABLE) {
  test(`${what} gets hop_bad_answer`, async (t) => {
    const { edge, client, hop } = await requestUpgrade(t, (peer) => peer.write(bytes));

    t.regex(await client.readUntil('hop_bad_answer'), /^HTTP\/1\.1 502 /);
    await edge.settled(1);
    t.is(edge.tunnels.size, 0);
    await hop()?.readToEnd();
  });
}
