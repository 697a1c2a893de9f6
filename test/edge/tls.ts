import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { WebSocket as Client } from 'ws';
import { connectByTls, makeCertificate, replaceCertificate, type TestCertificate } from '../helpers/certificate.ts';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { scriptedHop } from '../helpers/peer.ts';
import { siteFolder } from '../helpers/site-folder.ts';

interface TlsEdge extends RunningEdge {
  readonly certificate: TestCertificate;
  /** Sends one request inside TLS, on a new connection, and resolves with all received bytes. */
  exchangeByTls(request: string): Promise<string>;
}

const ECHO =
  'export async function onRequest({ request }) { return new Response(request.url + " " + (await request.text())); }';

async function startTlsEdge(
  t: ExecutionContext,
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<TlsEdge> {
  const certificate = await makeCertificate(t);
  const edge = await startEdge(t, { site: await siteFolder(t, files), env: { ...certificate.env, ...env } });
  return {
    ...edge,
    certificate,
    async exchangeByTls(request) {
      const peer = await connectByTls(t, edge.port, certificate);
      peer.write(request);
      return peer.readToEnd();
    },
  };
}

test('with a certificate the port speaks TLS, functions see https, and the access log counts the bytes', async (t) => {
  const edge = await startTlsEdge(t, { 'cloud-functions/echo.js': ECHO });

  const answer = await edge.exchangeByTls(
    'POST /echo?a HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi',
  );

  t.regex(answer, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nhttps:\/\/shop\.example\/echo\?a hi$/);
  const [line] = await edge.accessLines(1);
  t.is(Number(line?.bytes), answer.length);
});

test('a fallback goes on to the hop as plain HTTP, with the scheme of the client in X-Forwarded-Proto', async (t) => {
  let seen = '';
  const hop = await scriptedHop(t, async (peer) => {
    seen = await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const edge = await startTlsEdge(t, {}, { NEXT_HOP: hop.url });

  const answer = await edge.exchangeByTls('GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 200 [\s\S]*ok$/);
  t.regex(seen, /^GET \/other HTTP\/1\.1\r\nHost: a\r\n/i);
  t.regex(seen, /\r\nX-Forwarded-Proto: https\r\n/);
  t.notRegex(seen, /forwarded-for/i);
});

test('an untrusted peer that claims http over TLS is https', async (t) => {
  const edge = await startTlsEdge(t, { 'cloud-functions/echo.js': ECHO }, { TRUSTED_PROXIES: 'none' });

  const answer = await edge.exchangeByTls(
    'GET /echo HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: http\r\nConnection: close\r\n\r\n',
  );

  t.regex(answer, /https:\/\/a\/echo $/);
});

test('a target in absolute-form may say https, and then only inside TLS', async (t) => {
  const edge = await startTlsEdge(t, { 'cloud-functions/echo.js': ECHO });
  const plain = await startEdge(t);
  const request = 'GET https://shop.example/echo HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n';

  t.regex(await edge.exchangeByTls(request), /https:\/\/shop\.example\/echo $/);
  t.regex(await plain.exchange(request), /^HTTP\/1\.1 400 /);
});

test('a client may offer HTTP/1.1 by ALPN or nothing, and h2 alone is refused in the handshake', async (t) => {
  const { port, certificate } = await startTlsEdge(t);

  const both = await connectByTls(t, port, certificate, { ALPNProtocols: ['h2', 'http/1.1'] });
  const none = await connectByTls(t, port, certificate);

  t.is(both.socket.alpnProtocol, 'http/1.1');
  t.is(none.socket.alpnProtocol, false);
  await t.throwsAsync(connectByTls(t, port, certificate, { ALPNProtocols: ['h2'] }), {
    message: /no application protocol/,
  });
});

test('plain HTTP on the TLS port is cut, logged once for many attempts, and does not affect other connections', async (t) => {
  const edge = await startTlsEdge(t, { 'cloud-functions/echo.js': ECHO });

  for (let count = 0; count < 20; count++) t.is(await edge.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), '');

  t.regex(await edge.exchangeByTls('GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /);
  await edge.close();
  const lines = (await edge.errorLines()).filter(({ code }) => code === 'ERR_SSL_HTTP_REQUEST');
  t.is(lines.length, 1);
  t.is(lines[0]?.level, 'info');
});

test('a handshake that stops is closed after HEADERS_TIMEOUT', async (t) => {
  const edge = await startTlsEdge(t, {}, { HEADERS_TIMEOUT: '200ms' });

  const silent = await edge.connect();

  await silent.readToEnd();
  t.is(silent.received, '');
});

test('a handshake that stops does not delay a drain', async (t) => {
  const edge = await startTlsEdge(t, {}, { DRAIN_TIMEOUT: '20s', HEADERS_TIMEOUT: '20s' });
  const silent = await edge.connect();
  // Once a later connection has its response, the server has accepted the silent one.
  await edge.exchangeByTls('OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const startedAtMs = performance.now();

  await edge.close();

  t.true(performance.now() - startedAtMs < SOON_MS);
  await silent.readToEnd();
});

test('a drain finishes a request inside TLS and closes idle connections', async (t) => {
  const release = Promise.withResolvers<void>();
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    await release.promise;
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const edge = await startTlsEdge(t, {}, { NEXT_HOP: hop.url });
  const [busy, idle] = [
    await connectByTls(t, edge.port, edge.certificate),
    await connectByTls(t, edge.port, edge.certificate),
  ];
  busy.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await hop.connections(1);
  idle.write('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n');
  await idle.readHead();

  const closed = edge.close();
  await idle.readToEnd();
  release.resolve();

  t.regex(await busy.readToEnd(), /^HTTP\/1\.1 200 [\s\S]*\r\nConnection: close\r\n[\s\S]*ok$/);
  await closed;
});

test('a client that still sends its body when it is refused can read the response, inside TLS too', async (t) => {
  const edge = await startTlsEdge(t, {}, { BODY_LIMIT: '1k' });
  const peer = await connectByTls(t, edge.port, edge.certificate);

  peer.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n${'x'.repeat(4_000_000)}`);

  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 413 /);
});

test('an HTTP/1.0 client inside TLS can distinguish a response that was cut from a complete one', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n');
    peer.end('zz');
  });
  const { port, certificate } = await startTlsEdge(t, {}, { NEXT_HOP: hop.url });

  // Node's client accepts an end without close_notify as a normal end.
  const client = spawn('openssl', [
    's_client',
    '-quiet',
    '-connect',
    `localhost:${port}`,
    '-CAfile',
    certificate.certPath,
  ]);
  client.stdin.write('GET / HTTP/1.0\r\n\r\n');
  const [output, errors] = await Promise.all([text(client.stdout), text(client.stderr)]);

  t.regex(output, /ab$/);
  t.regex(errors, /unexpected eof/);
});

test('WebSockets work inside TLS, with a function and with the hop', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhop says hi');
  });
  const edge = await startTlsEdge(
    t,
    {
      'cloud-functions/talk.js':
        'export function onRequest() { return { websocket: { onmessage(ws, message) { ws.send("got " + message); } } }; }',
    },
    { NEXT_HOP: hop.url },
  );
  const client = new Client(`wss://localhost:${edge.port}/talk`, { ca: edge.certificate.cert });
  const received = new Promise((resolve) => client.on('message', (data) => resolve(String(data))));
  client.on('open', () => client.send('ping'));
  t.is(await received, 'got ping');
  client.close();

  const peer = await connectByTls(t, edge.port, edge.certificate);
  peer.write(
    'GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await peer.readUntil('hop says hi');
});

test('a new certificate is used for new connections, and open connections continue', async (t) => {
  const edge = await startTlsEdge(t, { 'cloud-functions/echo.js': ECHO });
  const { port, certificate } = edge;
  const other = await makeCertificate(t);
  const before = await connectByTls(t, port, certificate);
  await replaceCertificate(certificate, other);

  edge.edge.renewCertificate();

  await connectByTls(t, port, other);
  await t.throwsAsync(connectByTls(t, port, certificate), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  before.write('GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  t.regex(await before.readToEnd(), /^HTTP\/1\.1 200 /);
});

test('a new certificate that cannot be used changes nothing and is logged as an error', async (t) => {
  const edge = await startTlsEdge(t);
  const { port, certificate } = edge;
  await writeFile(certificate.keyPath, 'no key');

  edge.edge.renewCertificate();

  await connectByTls(t, port, certificate);
  await edge.close();
  const [line] = (await edge.errorLines()).filter(({ level }) => level === 'error');
  t.regex(String(line?.message), /cannot be used; the previous one stays in use/);
  t.true(JSON.stringify(line).includes(certificate.keyPath));
});

test('an expired certificate is reported in the log', async (t) => {
  const certificate = await makeCertificate(t, -1);

  const edge = await startEdge(t, { env: certificate.env });

  await edge.close();
  const lines = await edge.errorLines();
  t.true(
    lines.some(({ level, message }) => level === 'warn' && String(message).includes('the certificate has expired')),
  );
});
