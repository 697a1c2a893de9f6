import type { IncomingMessage } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import { Fault } from '../contract/fault.ts';
import { ALLOWED_METHODS } from './write-head.ts';

/**
 * Checks a parsed request before routing. Returns a Fault for what Node's parser accepts but this
 * server must not route. Undefined: the request is valid. What Node itself rejects (both
 * Content-Length and Transfer-Encoding, control bytes in the target, …) is not checked again; the
 * tests verify that Node rejects it.
 *
 * A target in absolute-form is changed to origin-form in `request.url`, and its authority becomes
 * Host in `rawHeaders` and `headers` (RFC 9112 3.2.2). Afterwards the target is a path, or `*` for
 * an OPTIONS request that this server answers itself.
 */
export function checkRequest(request: IncomingMessage): Fault | undefined {
  return (
    checkVersion(request) ?? checkHost(request) ?? checkCoding(request) ?? checkMethod(request) ?? checkTarget(request)
  );
}

/** Node's parser also accepts 0.9 and 2.0. */
function checkVersion({ httpVersionMajor, httpVersionMinor, httpVersion }: IncomingMessage): Fault | undefined {
  if (httpVersionMajor === 1 && httpVersionMinor <= 1) return undefined;
  return new Fault('version_unsupported', {
    message: `HTTP/${httpVersion} is not supported; use HTTP/1.1 or HTTP/1.0`,
  });
}

/** RFC 9112 3.2: exactly one valid Host. HTTP/1.0 may omit it. */
function checkHost({ rawHeaders, httpVersionMinor, socket }: IncomingMessage): Fault | undefined {
  let host: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!isHost(rawHeaders[at] ?? '')) continue;
    if (host !== undefined) return badRequest('the request has more than one Host header');
    host = rawHeaders[at + 1] ?? '';
  }
  if (host === undefined) return httpVersionMinor === 0 ? undefined : badRequest('the request has no Host header');
  const connection: KnownConnection = socket;
  if (connection[HOST] === host) return undefined;
  if (!isAuthority(host)) return badRequest(`Host must be a host with an optional port, got ${JSON.stringify(host)}`);
  connection[HOST] = host;
  return undefined;
}

const HOST = Symbol('host');

/** The requests of a connection usually have the same Host, which is then validated once. */
interface KnownConnection extends Socket {
  [HOST]?: string;
}

function isHost(name: string): boolean {
  return name.length === 4 && (name === 'Host' || name.toLowerCase() === 'host');
}

const REG_NAME = /^(?:[\w.~!$&'()*+,;=-]|%[\dA-Fa-f]{2})+(?::(\d{0,5}))?$/;
const IP_LITERAL = /^\[([\dA-Fa-f:.]+)\](?::(\d{0,5}))?$/;

/**
 * Whether the text is uri-host [ ":" port ] (RFC 9110 7.2, RFC 3986 3.2.2) without user
 * information. IPvFuture literals are rejected: none was ever defined.
 */
function isAuthority(text: string): boolean {
  if (text.startsWith('[')) {
    const [, address = '', port] = IP_LITERAL.exec(text) ?? [];
    return isIPv6(address) && isPort(port);
  }
  const name = REG_NAME.exec(text);
  return name !== null && isPort(name[1]);
}

/** The grammar allows an empty port, which means the default port of the scheme. */
function isPort(digits: string | undefined): boolean {
  return digits === undefined || Number(digits) <= 65_535;
}

/**
 * Only a single `chunked` is accepted. For `gzip, chunked` Node would decode the chunks and drop
 * the header, so the next hop would receive a gzip body that is not marked as such (RFC 9112 6.1).
 * Node has joined repeated headers.
 */
function checkCoding({ headers, httpVersionMinor }: IncomingMessage): Fault | undefined {
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  // RFC 9112 6.1: Transfer-Encoding in an HTTP/1.0 message is faulty framing; the bytes that follow
  // may be another client's request.
  if (httpVersionMinor === 0) return badRequest('an HTTP/1.0 request must not have Transfer-Encoding');
  if (coding === 'chunked' || coding.toLowerCase() === 'chunked') return undefined;
  return new Fault('coding_unknown', { message: `Transfer-Encoding must be "chunked", got ${JSON.stringify(coding)}` });
}

function checkMethod({ method }: IncomingMessage): Fault | undefined {
  if (method !== 'CONNECT' && method !== 'TRACE') return undefined;
  return new Fault('method_refused', {
    message: `the method ${method} is not supported`,
    headers: ['Allow', ALLOWED_METHODS],
  });
}

function checkTarget(request: IncomingMessage): Fault | undefined {
  const target = request.url ?? '';
  if (target.includes('#')) return badPath('the request target must not have a fragment');
  if (target.startsWith('/')) return undefined;
  if (target === '*')
    return request.method === 'OPTIONS' ? undefined : badPath('the request target "*" is valid for OPTIONS only');
  return toOriginForm(request, target);
}

const ABSOLUTE_FORM = /^http(s?):\/\/([^/?]*)(.*)$/i;

function toOriginForm(request: IncomingMessage, target: string): Fault | undefined {
  const [, secure, authority, rest = ''] = ABSOLUTE_FORM.exec(target) ?? [];
  // RFC 9110 7.4: an https: target is valid only on an encrypted connection.
  if (authority === undefined || (secure && !isEncrypted(request.socket))) {
    return badRequest(`the request target must be a path or an http: URL, got ${JSON.stringify(target)}`);
  }
  if (!isAuthority(authority))
    return badRequest(`the request target must have a host with an optional port, got ${JSON.stringify(authority)}`);
  // RFC 9112 3.2.4: an OPTIONS target without path and query means the server itself.
  if (rest === '') request.url = request.method === 'OPTIONS' ? '*' : '/';
  else request.url = rest.startsWith('/') ? rest : `/${rest}`;
  setHost(request, authority);
  return undefined;
}

function isEncrypted(socket: Socket): boolean {
  return 'encrypted' in socket && socket.encrypted === true;
}

function setHost(request: IncomingMessage, host: string): void {
  // Node builds `headers` and `headersDistinct` on first use, from rawHeaders and an internal count
  // that cannot be changed. So read both before a header is added.
  const { headers, headersDistinct, rawHeaders } = request;
  headers.host = host;
  headersDistinct.host = [host];
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && isHost(name));
  // A new array: code that holds the old one keeps the received headers.
  request.rawHeaders = at < 0 ? [...rawHeaders, 'Host', host] : rawHeaders.with(at + 1, host);
}

function badRequest(message: string): Fault {
  return new Fault('bad_request', { message });
}

function badPath(message: string): Fault {
  return new Fault('bad_path', { message });
}
