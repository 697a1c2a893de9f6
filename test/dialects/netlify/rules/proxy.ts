import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { makeCertificate, type TestCertificate } from '../../../helpers/certificate.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { freePort } from '../../../helpers/free-port.ts';
import { listenOnPort } from '../../../helpers/listen.ts';
import { scriptedHop } from '../../../helpers/peer.ts';
import { exchange } from '../../../helpers/redirect-server.ts';
import { refusingPort } from '../../../helpers/refusing-port.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

async function startOrigin(
  t: ExecutionContext,
  answer: RequestListener,
): Promise<{ port: number; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  return { port: await listenOnPort(t, server), seen };
}

async function serveToml(t: ExecutionContext, toml: string, env: Readonly<Record<string, string>> = {}) {
  const site = await siteFolder(t, { 'netlify.toml': toml });
  return startEdge(t, { site, env: { NEXT_HOP: `http://127.0.0.1:${await refusingPort(t)}`, ...env } });
}

function toRule(to: string, more = ''): string {
  return `[[redirects]]\nfrom = "/api/*"\nto = "${to}"\nstatus = 200\n${more}`;
}

test('a rule with status 200 to another host forwards the request with body and query, and sends its response to the client', async (t) => {
  const { port, seen } = await startOrigin(t, async (request, response) => {
    const body = await text(request);
    response.writeHead(201, 'Made', [
      'Set-Cookie',
      'a=1',
      'Set-Cookie',
      'b=2',
      'Location',
      '/elsewhere',
      'X-Bytes',
      '\xe9',
    ]);
    response.end(`${request.method} ${request.url} ${body}`);
  });
  const edge = await serveToml(t, toRule(`http://127.0.0.1:${port}/v1/:splat`, 'headers = { X-Key = "k" }'));

  const answer = await edge.exchange(
    'POST /api/a%20b/?q=%20 HTTP/1.1\r\nHost: site.example\r\nCookie: c=1\r\nX-Key: client\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody',
  );

  t.regex(answer, /^HTTP\/1\.1 201 Made\r\n.*\r\n\r\n.*POST \/v1\/a%20b\/\?q=%20 body/s);
  t.deepEqual(answer.match(/Set-Cookie: .*|Location: .*/g), [
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    'Location: /elsewhere',
  ]);
  t.like(seen[0]?.headers, {
    host: `127.0.0.1:${port}`,
    cookie: 'c=1',
    'x-key': 'k',
    'cdn-loop': 'nexthop',
    via: '1.1 nexthop',
  });
  const [line] = await edge.accessLines(1);
  t.like(line, { route: '/api/*', upstream_status: '201', upstream_addr: `http://127.0.0.1:${port}` });
});

test('a header of an origin that any of its Connection headers nominates is not forwarded', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end(
      'HTTP/1.1 200 OK\r\nConnection: X-First\r\nX-First: 1\r\nConnection: X-Second, close\r\nX-Second: 2\r\nX-Kept: 3\r\nContent-Length: 0\r\n\r\n',
    );
  });
  const edge = await serveToml(t, toRule(`http://127.0.0.1:${hop.port}/`));

  const answer = await edge.exchange('GET /api/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.deepEqual(answer.match(/^X-\w+: \d/gm), ['X-Kept: 3']);
});

test('a body in chunks is forwarded, and a large response arrives whole', async (t) => {
  const large = 'x'.repeat(3_000_000);
  const { port } = await startOrigin(t, async (request, response) =>
    response.end(large + (await text(request)).length),
  );
  const edge = await serveToml(t, toRule(`http://127.0.0.1:${port}/:splat`));

  const body = new Blob(['y'.repeat(2_000_000)]).stream();
  const answer = await fetch(`${edge.url}/api/x`, { method: 'POST', body, duplex: 'half' } as RequestInit);

  t.is(await answer.text(), `${large}2000000`);
});

test('a request to a signed rule has a token of the site, and that of the client is replaced', async (t) => {
  const { port, seen } = await startOrigin(t, (_request, response) => response.end());
  const env = { API_SECRET: 'secret', SITE_ID: 'id', URL: 'https://site.example' };
  const edge = await serveToml(t, toRule(`http://127.0.0.1:${port}/`, 'signed = "API_SECRET"'), env);

  await exchange(edge, '/api/x', 'GET', { 'x-nf-sign': 'client' });

  const [head = '', payload = '', signature] = String(seen[0]?.headers['x-nf-sign']).split('.');
  t.is(signature, createHmac('sha256', 'secret').update(`${head}.${payload}`).digest('base64url'));
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  t.like(claims, { iss: 'netlify', netlify_id: 'id', site_url: 'https://site.example', deploy_context: 'production' });
  t.true(Math.abs(claims.exp - Date.now() / 1000 - 300) < 60);
});

test('a signed rule without its secret is reported and not used', async (t) => {
  const { edge } = await serveToml(t, toRule('https://api.example/', 'signed = "API_SECRET"'));

  t.deepEqual(
    edge.site.routes.map(({ file }) => file),
    ['images'],
  );
  t.regex(
    edge.site.problems[0]?.message ?? '',
    /the variable API_SECRET, with which its requests are signed, is not set$/,
  );
});

test('with PROXY_HOSTS requests are forwarded only to these hosts', async (t) => {
  const { port } = await startOrigin(t, (_request, response) => response.end('origin'));
  const toml = toRule(`http://127.0.0.1:${port}/`);
  const refused = await serveToml(t, toml, { PROXY_HOSTS: 'api.example' });
  const allowed = await serveToml(t, toml, { PROXY_HOSTS: 'api.example, 127.0.0.1' });

  t.regex(refused.edge.site.problems[0]?.message ?? '', /PROXY_HOSTS does not name 127\.0\.0\.1$/);
  t.regex(await exchange(refused, '/api/x'), /^HTTP\/1\.1 502 /);
  t.regex(await exchange(allowed, '/api/x'), /origin/);
});

/** Starts an origin with a new certificate for `localhost`. */
async function startTlsOrigin(
  t: ExecutionContext,
): Promise<{ readonly port: number; readonly certificate: TestCertificate }> {
  const certificate = await makeCertificate(t);
  const server = createTlsServer(
    { cert: certificate.cert, key: await readFile(certificate.keyPath) },
    (request, response) => response.end(`${request.method} ${request.url}`),
  );
  return { port: await listenOnPort(t, server), certificate };
}

test('a rule may forward to an https origin whose certificate is trusted', async (t) => {
  const { port, certificate } = await startTlsOrigin(t);
  setDefaultCACertificates([...getCACertificates('default'), certificate.cert]);
  const edge = await serveToml(t, toRule(`https://localhost:${port}/v1/:splat`));

  t.regex(await exchange(edge, '/api/x?y=1'), /^HTTP\/1\.1 200 .*GET \/v1\/x\?y=1$/s);
  t.regex(await exchange(edge, '/api/y'), /^HTTP\/1\.1 200 /);
});

test('an origin that refuses connections, and one with an untrusted certificate, get 502', async (t) => {
  const { port } = await startTlsOrigin(t);
  const untrusted = await serveToml(t, toRule(`https://localhost:${port}/`));
  const dead = await serveToml(t, toRule(`http://127.0.0.1:${await refusingPort(t)}/`));

  t.regex(await exchange(untrusted, '/api/x'), /^HTTP\/1\.1 502 .*hop_unreachable/s);
  t.regex(await exchange(dead, '/api/x'), /^HTTP\/1\.1 502 .*hop_unreachable/s);
});

test('a request gets 508 if a rule forwards it back to this server', async (t) => {
  const port = await freePort();
  const edge = await serveToml(t, toRule(`http://127.0.0.1:${port}/api/:splat`), { PORT: String(port) });

  t.regex(await exchange(edge, '/api/x'), /^HTTP\/1\.1 508 /);
});

test('a client that leaves ends the request to the origin', async (t) => {
  const closed = Promise.withResolvers<void>();
  const { port } = await startOrigin(t, (request, response) => {
    request.on('close', () => closed.resolve());
    response.write('begin');
  });
  const edge = await serveToml(t, toRule(`http://127.0.0.1:${port}/`));
  const peer = await edge.connect();
  peer.write('GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.readUntil('begin');

  peer.socket.resetAndDestroy();

  await t.notThrowsAsync(closed.promise);
});
