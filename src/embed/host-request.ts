import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Fault } from '../contract/fault.ts';
import { findHeader } from '../contract/header-list.ts';
import type { IncomingRequest, PairOwner } from '../contract/http-message.ts';
import { ALLOWED_METHODS } from '../http/write-head.ts';
import { isAuthority } from '../wire/authority.ts';
import { groupByName, type HeaderGroup } from '../wire/flat-headers.ts';
import { listHas } from '../wire/header-table.ts';
import { addHeaderLines } from '../wire/node-insides.ts';
import { HostBody } from './host-body.ts';

const ABSOLUTE_FORM = /^http(s?):\/\/([^/?]*)(.*)$/i;

export interface HostRequestParts {
  readonly message: IncomingMessage;
  /** It is from the host's 'upgrade' event. */
  readonly isUpgrade: boolean;
}

/**
 * A request of a host as the site gets it: with its target in origin-form and without the trust headers of an untrusted peer. The host has its own trust
 * settings, so its message is not changed before code of the site gets it, and `giveBack` restores what the host received.
 */
export class HostRequest implements IncomingRequest {
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
  headers: readonly string[];
  readonly host: string | undefined;
  readonly connection: string | undefined;
  readonly upgrade: string | undefined;
  /** The host's reader does not note it. */
  readonly hasUnderscoreName = true;
  readonly body: HostBody;
  /** It is not valid; checked here, since a host may accept anything that its parser does. */
  readonly fault: Fault | undefined;
  readonly message: IncomingMessage;
  readonly #received: readonly string[];
  readonly #url: string;
  #vetted: readonly string[];
  #isShown = false;

  constructor({ message, isUpgrade }: HostRequestParts) {
    const { method = '', url = '', rawHeaders, httpVersionMinor } = message;
    this.message = message;
    this.method = method;
    this.minor = httpVersionMinor === 0 ? 0 : 1;
    this.#received = rawHeaders;
    this.#url = url;
    const form = ABSOLUTE_FORM.exec(url);
    this.target = form ? toOriginForm(method, form[3] ?? '') : url;
    this.headers = form ? withHost(rawHeaders, form[2] ?? '') : rawHeaders;
    this.#vetted = this.headers;
    this.host = findHeader(this.headers, 'host');
    this.connection = findHeader(rawHeaders, 'connection');
    this.upgrade = isUpgrade ? findUpgrade(rawHeaders, this.connection) : undefined;
    this.body = new HostBody(message);
    this.fault = findFault(this, form !== null);
  }

  get socket(): Socket {
    return this.message.socket;
  }

  get(name: string): string | undefined {
    return findHeader(this.headers, name);
  }

  replaceHeaders(headers: readonly string[]): void {
    if (this.#isShown) changeHeaders(this.message, this.headers, headers);
    this.headers = headers;
  }

  /** Marks the end of the vetting. Later changes are made by the site and are kept. */
  markVetted(): void {
    this.#vetted = this.headers;
  }

  /** Code of the site gets the message. */
  show(target: string, owner: PairOwner): void {
    this.#isShown = true;
    this.message.url = target;
    changeHeaders(this.message, this.#received, this.headers);
    this.body.watch(owner);
  }

  /** The message belongs to the host again, as it was received, except for the changes of the site. `target`: see `Exchange.target`. */
  giveBack(target: string): void {
    const { message } = this;
    this.body.giveBack();
    if (target !== this.target) message.url = `${/^https?:\/\/[^/?]*/i.exec(this.#url)?.[0] ?? ''}${target}`;
    else if (this.#isShown) message.url = this.#url;
    const shown = this.#isShown ? this.headers : this.#received;
    changeHeaders(message, shown, withChanges(this.#received, this.#vetted, this.headers));
  }
}

/** RFC 9112 3.2.4: an OPTIONS target without path and query means the server itself. */
function toOriginForm(method: string, rest: string): string {
  if (rest === '') return method === 'OPTIONS' ? '*' : '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** RFC 9112 3.2.2: the authority of the target replaces Host. */
function withHost(headers: readonly string[], authority: string): readonly string[] {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  return at < 0 ? [...headers, 'Host', authority] : headers.with(at + 1, authority);
}

function findUpgrade(headers: readonly string[], connection: string | undefined): string | undefined {
  return connection !== undefined && listHas(connection, 'upgrade') ? findHeader(headers, 'upgrade') : undefined;
}

/** Why the request must not be routed; what Node's parser refuses is not checked again. */
function findFault(request: HostRequest, isAbsolute: boolean): Fault | undefined {
  const { message, method, minor } = request;
  const { httpVersionMajor, httpVersionMinor, httpVersion } = message;
  if (httpVersionMajor !== 1 || httpVersionMinor > 1) {
    return new Fault('version_unsupported', {
      message: `HTTP/${httpVersion} is not supported; use HTTP/1.1 or HTTP/1.0`,
    });
  }
  const coding = request.get('transfer-encoding');
  // RFC 9112 6.1: it is faulty framing, and the bytes that follow may be another client's request.
  if (coding !== undefined && minor === 0) return badRequest('an HTTP/1.0 request must not have Transfer-Encoding');
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return new Fault('coding_unknown', {
      message: `Transfer-Encoding must be "chunked", got ${JSON.stringify(coding)}`,
    });
  }
  if (method === 'CONNECT' || method === 'TRACE') {
    const message = `the method ${method} is not supported`;
    return new Fault('method_refused', { message, headers: ['Allow', ALLOWED_METHODS] });
  }
  return findHostFault(request) ?? findTargetFault(request, isAbsolute);
}

/** RFC 9112 3.2: exactly one valid Host. HTTP/1.0 may omit it. */
function findHostFault({ headers, host, minor }: HostRequest): Fault | undefined {
  if (host === undefined) return minor === 0 ? undefined : badRequest('the request has no Host header');
  const count = headers.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length;
  if (count > 1) return badRequest('the request has more than one Host header');
  if (isAuthority(host)) return undefined;
  return badRequest(`Host must be a host with an optional port, got ${JSON.stringify(host)}`);
}

function findTargetFault({ message, method, target, socket }: HostRequest, isAbsolute: boolean): Fault | undefined {
  const { url = '' } = message;
  if (url.includes('#')) return badPath('the request target must not have a fragment');
  // RFC 9110 7.4: an https: target is valid only on an encrypted connection.
  const isSecure = isAbsolute && /^https/i.test(url);
  const isEncrypted = 'encrypted' in socket && socket.encrypted === true;
  if (target.startsWith('/') && (!isSecure || isEncrypted)) return undefined;
  if (target !== '*')
    return badRequest(`the request target must be a path or an http: URL, got ${JSON.stringify(url)}`);
  return method === 'OPTIONS' ? undefined : badPath('the request target "*" is valid for OPTIONS only');
}

function badRequest(message: string): Fault {
  return new Fault('bad_request', { message });
}

function badPath(message: string): Fault {
  return new Fault('bad_path', { message });
}

/** The headers with what differs between `before` and `after`. The same array if nothing does. */
function withChanges(
  headers: readonly string[],
  before: readonly string[],
  after: readonly string[],
): readonly string[] {
  const changed = findChanges(before, after);
  if (changed.size === 0) return headers;
  const now = toMap(after);
  const result = toMap(headers);
  for (const name of changed) {
    const group = now.get(name);
    if (group) result.set(name, group);
    else result.delete(name);
  }
  return [...result.values()].flatMap(([name, values]) => values.flatMap((value) => [name, value]));
}

/** Changes the headers of a message in place, where `after` differs: the host may have added others, and hold the objects. */
function changeHeaders(message: IncomingMessage, before: readonly string[], after: readonly string[]): void {
  if (before === after) return;
  // Node builds both at the first read, of the list that is replaced here.
  const { headers, headersDistinct } = message;
  const made = new IncomingMessage(message.socket);
  addHeaderLines(made, after);
  for (const name of findChanges(before, after)) {
    const value = made.headers[name];
    if (value === undefined) {
      delete headers[name];
      delete headersDistinct[name];
    } else {
      headers[name] = value;
      headersDistinct[name] = made.headersDistinct[name];
    }
  }
  // A new array: code that holds the old one keeps it.
  message.rawHeaders = after as string[];
}

/** The lower-case names of headers that are not the same in both. */
function findChanges(before: readonly string[], after: readonly string[]): Set<string> {
  if (before === after) return new Set();
  const [old, now] = [toMap(before), toMap(after)];
  return new Set([...old.keys(), ...now.keys()].filter((name) => valuesOf(old, name) !== valuesOf(now, name)));
}

type HeaderMap = ReadonlyMap<string, HeaderGroup>;

function valuesOf(headers: HeaderMap, name: string): string | undefined {
  return headers.get(name)?.[1].join('\n');
}

function toMap(headers: readonly string[]): Map<string, HeaderGroup> {
  return new Map(groupByName(headers).map((group) => [group[0].toLowerCase(), group]));
}
