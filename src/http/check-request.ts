import type { IncomingMessage } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import { Fault } from '../contract/fault.ts';
import { ALLOWED_METHODS } from './write-head.ts';

/**
 * What Node's parser lets through and must not be routed; undefined if nothing is wrong. What Node refuses by itself (both
 * Content-Length and Transfer-Encoding, control bytes in the target, …) is not looked for again; the tests hold Node to it.
 *
 * A target in absolute-form becomes origin-form in `request.url`, and its authority becomes Host in `rawHeaders` and `headers`
 * (RFC 9112 3.2.2). Afterwards the target is a path, or `*` of an OPTIONS that this server answers itself.
 */
export function checkRequest(request: IncomingMessage): Fault | undefined {
  return (
    checkVersion(request) ?? checkHost(request) ?? checkCoding(request) ?? checkMethod(request) ?? checkTarget(request)
  );
}

/** Node's parser also takes 0.9 and 2.0. */
function checkVersion({ httpVersionMajor, httpVersionMinor, httpVersion }: IncomingMessage): Fault | undefined {
  if (httpVersionMajor === 1 && httpVersionMinor <= 1) return undefined;
  return new Fault('version_unsupported', { message: `HTTP/${httpVersion} is not spoken here` });
}

/** RFC 9112 3.2: exactly one, valid; HTTP/1.0 may do without. */
function checkHost({ rawHeaders, httpVersionMinor, socket }: IncomingMessage): Fault | undefined {
  let host: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!isHost(rawHeaders[at] ?? '')) continue;
    if (host !== undefined) return badRequest('more than one Host field');
    host = rawHeaders[at + 1] ?? '';
  }
  if (host === undefined) return httpVersionMinor === 0 ? undefined : badRequest('no Host field');
  const connection: KnownConnection = socket;
  if (connection[HOST] === host) return undefined;
  if (!isAuthority(host)) return badRequest(`Host is no host and port: ${JSON.stringify(host)}`);
  connection[HOST] = host;
  return undefined;
}

const HOST = Symbol('host');

/** The requests of a connection nearly always say the same Host, which is looked at once. */
interface KnownConnection extends Socket {
  [HOST]?: string;
}

function isHost(name: string): boolean {
  return name.length === 4 && (name === 'Host' || name.toLowerCase() === 'host');
}

const REG_NAME = /^(?:[\w.~!$&'()*+,;=-]|%[\dA-Fa-f]{2})+(?::(\d{0,5}))?$/;
const IP_LITERAL = /^\[([\dA-Fa-f:.]+)\](?::(\d{0,5}))?$/;

/** uri-host [ ":" port ] (RFC 9110 7.2, RFC 3986 3.2.2), without user information. No future kind of IP literal was ever defined. */
function isAuthority(text: string): boolean {
  if (text.startsWith('[')) {
    const [, address = '', port] = IP_LITERAL.exec(text) ?? [];
    return isIPv6(address) && isPort(port);
  }
  const name = REG_NAME.exec(text);
  return name !== null && isPort(name[1]);
}

/** The grammar allows an empty port: then it is the scheme's. */
function isPort(digits: string | undefined): boolean {
  return digits === undefined || Number(digits) <= 65_535;
}

/**
 * Only `chunked`, and once: Node would take the chunks off `gzip, chunked` and forget the gzip, so the next hop would get a body
 * that says of itself what it is not (RFC 9112 6.1). Several fields arrive joined.
 */
function checkCoding({ headers, httpVersionMinor }: IncomingMessage): Fault | undefined {
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  // RFC 9112 6.1: an HTTP/1.0 message with it has faulty framing, and what is behind it may be somebody else's request.
  if (httpVersionMinor === 0) return badRequest('Transfer-Encoding in HTTP/1.0');
  if (coding === 'chunked' || coding.toLowerCase() === 'chunked') return undefined;
  return new Fault('coding_unknown', { message: `Transfer-Encoding: ${JSON.stringify(coding)}` });
}

function checkMethod({ method }: IncomingMessage): Fault | undefined {
  if (method !== 'CONNECT' && method !== 'TRACE') return undefined;
  return new Fault('method_refused', { message: `${method} is refused`, headers: ['Allow', ALLOWED_METHODS] });
}

function checkTarget(request: IncomingMessage): Fault | undefined {
  const target = request.url ?? '';
  if (target.includes('#')) return badPath('a fragment in the target');
  if (target.startsWith('/')) return undefined;
  if (target === '*') return request.method === 'OPTIONS' ? undefined : badPath('"*" is for OPTIONS only');
  return toOriginForm(request, target);
}

const ABSOLUTE_FORM = /^http(s?):\/\/([^/?]*)(.*)$/i;

function toOriginForm(request: IncomingMessage, target: string): Fault | undefined {
  const [, secure, authority, rest = ''] = ABSOLUTE_FORM.exec(target) ?? [];
  // RFC 9110 7.4: what is asked for by https: must have come by it.
  if (authority === undefined || (secure && !isEncrypted(request.socket))) {
    return badRequest(`neither a path nor an http: URL: ${JSON.stringify(target)}`);
  }
  if (!isAuthority(authority)) return badRequest(`no host and port in the target: ${JSON.stringify(authority)}`);
  // RFC 9112 3.2.4: an OPTIONS without path and query is about the server.
  if (rest === '') request.url = request.method === 'OPTIONS' ? '*' : '/';
  else request.url = rest.startsWith('/') ? rest : `/${rest}`;
  setHost(request, authority);
  return undefined;
}

function isEncrypted(socket: Socket): boolean {
  return 'encrypted' in socket && socket.encrypted === true;
}

function setHost(request: IncomingMessage, host: string): void {
  // Node makes both on first use, from rawHeaders and a count of its own that cannot be changed: so before a field is added.
  const { headers, headersDistinct, rawHeaders } = request;
  headers.host = host;
  headersDistinct.host = [host];
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && isHost(name));
  // Whoever holds the one before still has what came.
  request.rawHeaders = at < 0 ? [...rawHeaders, 'Host', host] : rawHeaders.with(at + 1, host);
}

function badRequest(message: string): Fault {
  return new Fault('bad_request', { message });
}

function badPath(message: string): Fault {
  return new Fault('bad_path', { message });
}
