import type { ExecutionContext } from 'ava';
import { startEdge } from './edge.ts';
import { scriptedHop } from './peer.ts';
import { siteFolder } from './site-folder.ts';
import { handshake } from './tunnel-server.ts';

/** What the next hop and the functions of the site answer below `/admin`. No client without the cookie may get it. */
const SECRET = 'the secret';

/** The content of the file `/admin/file.txt`, for sites of any platform. */
export const SECRET_FILE = { 'public/admin/file.txt': SECRET, 'public/open.txt': 'open' };

const TARGETS = [
  ...['/admin/file.txt', '/admin/fn', '/admin/', '/admin/hop', '/admin/hop?a=/open.txt', '/admin/file.txt/'],
  ...['//admin/file.txt', '/admin//file.txt', '/./admin/file.txt', '/open/../admin/hop', '/open/..//admin/hop'],
  ...['/%2e/admin/hop', '/open/%2e%2e/admin/hop', '/open/.%2E/admin/hop', '/%61dmin/file.txt', '/%61%64min/hop'],
  ...['/admin%2ffile.txt', '/admin%2Fhop', '/open%2f..%2fadmin/hop', '/open/..%2fadmin/hop', '/%2561dmin/hop'],
  ...['/admin%5cfile.txt', '/open\\..\\admin\\hop', '/open/..%5cadmin/hop', '/admin/%0ahop', '/open/..%2fadmin/%0ahop'],
  // A hop that reads the target as a reference.
  ...['/./admin//../hop', '/x/../admin//../hop', '/x/../admin///../../hop', '/x/%2e%2e/admin//%2e%2e/hop'],
  ...['/x%2fy/%2e%2e/admin/hop', '/x/y%2fz/%2e%2e/%2e%2e/admin/hop', '/x/y%5cz/.%2e/.%2e/admin/hop', '//x/admin/hop'],
  ...['/\\\\x/admin/hop', '/x\\y/../admin/hop', '/%2e/admin//../%61dmin/hop'],
  // More readings than are made: it is refused.
  `/admin/${'x%2fy/./..//%252e/x\\y/%2e%2e/x%5cy/'.repeat(200)}hop`,
  ...['/admin/hop%00', '/admin/%E0%A4%A', '/admin/..%2fadmin/hop', '/open/%252e%252e/admin/hop', '/admin/hop;a=1'],
];

const METHODS = ['HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'REPORT', 'get'];

/** Conditions and ranges that a cached copy of the guarded file would satisfy. */
const LINES = [
  ...['Range: bytes=0-2', 'If-None-Match: *', 'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT'],
  ...[
    'If-Match: "no"',
    'If-Range: "no"',
    'Cookie: ok=0',
    'Expect: 100-continue',
    'Upgrade: h2c\r\nConnection: Upgrade',
  ],
  ...['X-HTTP-Method-Override: GET', 'X-Original-URL: /open.txt', 'X-Rewrite-URL: /open.txt'],
];

/** Raw requests for what the guard protects, by a text that names them. */
function toRequests(more: readonly string[]): ReadonlyMap<string, string> {
  const end = 'Host: a\r\nConnection: close\r\n';
  return new Map([
    ...[...TARGETS, ...more].map((target) => [`GET ${target}`, `GET ${target} HTTP/1.1\r\n${end}\r\n`] as const),
    ...METHODS.map((method) => [`${method} /admin/fn`, `${method} /admin/fn HTTP/1.1\r\n${end}\r\n`] as const),
    ...LINES.map((line) => [`GET with ${line}`, `GET /admin/file.txt HTTP/1.1\r\n${line}\r\n${end}\r\n`] as const),
    ['the absolute form', `GET http://a/admin/file.txt HTTP/1.1\r\n${end}\r\n`],
    ['the absolute form of another host', `GET http://b/open/../admin/hop HTTP/1.1\r\n${end}\r\n`],
    ['HTTP/1.0', 'GET /admin/file.txt HTTP/1.0\r\n\r\n'],
    ['a WebSocket handshake', handshake('Sec-WebSocket-Version: 13').replace('/chat', '/admin/socket')],
    [
      'a WebSocket handshake, spelt',
      handshake('Sec-WebSocket-Version: 13').replace('/chat', '/open/..%2fadmin/socket'),
    ],
  ]);
}

export interface GuardedSite {
  /** The site: its guard refuses requests below `/admin` that do not have the key. */
  readonly files: Readonly<Record<string, string>>;
  /** The status of a refusal. */
  readonly status: number;
  /** The guard works, so that the cookie opens it. */
  readonly opens: boolean;
  /** The guard decides after it has seen the response. */
  readonly asksHop?: boolean;
  /** The line of a request that opens it. Default: that of the cookie. */
  readonly key?: string;
  /** Further targets that a route of the site matches. */
  readonly targets?: readonly string[];
}

/** Asserts that no request of the corpus passes the guard of a site, to its files, its functions or the next hop. */
export async function assertGuarded(
  t: ExecutionContext,
  { files, status, opens, asksHop = false, key = 'Cookie: ok=1', targets = [] }: GuardedSite,
): Promise<void> {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end(`HTTP/1.1 200 OK\r\nContent-Length: ${SECRET.length}\r\n\r\n${SECRET}`);
  });
  const site = await siteFolder(t, { ...SECRET_FILE, ...files });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url } });

  for (const [what, request] of toRequests(targets)) {
    const client = await edge.connect();
    client.write(request);
    const head = await client.readHead();
    const rest = /content-length: 0\r\n|^HEAD/i.test(head + request) ? '' : client.rest;
    // A request that is refused as invalid does not pass either.
    t.regex(head, new RegExp(`^HTTP/1\\.1 (?:${status}|400|417) `), what);
    t.false((head + rest).includes(SECRET), what);
    if (!asksHop) t.is(hop.peers.length, 0, `${what} must not reach the next hop`);
    client.end();
  }
  if (!opens) return;
  const open = await edge.exchange(`GET /admin/file.txt HTTP/1.1\r\nHost: a\r\n${key}\r\nConnection: close\r\n\r\n`);
  t.true(open.endsWith(SECRET), open);
}
