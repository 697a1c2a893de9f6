import { isAuthority } from './authority.ts';
import { listHas } from './header-table.ts';
import { MessageFault, type MessageReason } from './message-fault.ts';
import { findBadLine, HEADER_LINES, type HeadLimits, MessageHead, TOKEN } from './message-head.ts';

const STANDARD_METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE'],
]);

export interface RequestHeadRules extends HeadLimits {
  /** The connection speaks TLS: an absolute target may be `https:` then. */
  readonly encrypted: boolean;
}

/** A complete head: request line and header lines. Targets have no byte above 0x7E (RFC 9112 3.2, as llhttp). */
const WHOLE = new RegExp(`^[${TOKEN}]+ [!"$-~]+ HTTP/1\\.[01]${HEADER_LINES}$`);
const FIRST_LINE = new RegExp(`^[${TOKEN}]+ [!"$-~]+ HTTP/1\\.[01]$`);
const VERSION_LENGTH = ' HTTP/1.1'.length;

/** The complete and valid head of a request. */
export class RequestHead extends MessageHead {
  readonly method: string;
  /** In origin-form, byte for byte as received, or `*` of an OPTIONS. */
  readonly target: string;

  /**
   * `text`: everything before the empty line, in latin1. Throws a MessageFault (RFC 9110, 9112; docs/decisions/wire.md).
   * The authority of an absolute target replaces the value of Host in the list (RFC 9112 3.2.2).
   */
  constructor(text: string, rules: RequestHeadRules) {
    if (!WHOLE.test(text)) throw new MessageFault(findFault(text), 'request');
    let lineEnd = text.indexOf('\r\n');
    if (lineEnd < 0) lineEnd = text.length;
    super('request', text, text.charCodeAt(lineEnd - 1) === 0x30 ? 0 : 1);
    const space = text.indexOf(' ');
    // A constant is compared by its address, a slice by its characters.
    this.method = text.startsWith('GET ') ? 'GET' : text.slice(0, space);
    // Methods are case-sensitive (RFC 9110 9.1), but a Request reads `get` as GET: a guard of GET would not see what the function behind it sees.
    if (!STANDARD_METHODS.has(this.method) && STANDARD_METHODS.has(this.method.toUpperCase()))
      this.refuse('bad_method');
    const target = text.slice(space + 1, lineEnd - VERSION_LENGTH);
    this.read(lineEnd + 2, rules);
    this.#checkHost();
    this.bodyBytes = this.announcedBytes() ?? 0;
    // RFC 9110 9.3.6, 9.3.8: the destination is fixed, and TRACE would show the headers that earlier modules added.
    if (this.method === 'CONNECT' || this.method === 'TRACE') this.refuse('refused_method');
    this.target = target.charCodeAt(0) === 0x2f ? target : this.#toOriginForm(target, rules.encrypted);
    if (this.expect !== undefined) this.#checkExpectation(this.expect);
  }

  /** The client waits for `100 Continue` before it sends its body. */
  get expectsContinue(): boolean {
    return this.expect !== undefined && this.minor === 1 && this.bodyBytes !== 0;
  }

  /** The protocols of the Upgrade header; undefined if the request is no upgrade (RFC 9110 7.8). */
  get upgrade(): string | undefined {
    const { upgradeTo, connection } = this;
    if (upgradeTo === undefined || connection === undefined || this.minor === 0) return undefined;
    return listHas(connection, 'upgrade') ? upgradeTo : undefined;
  }

  /** RFC 9112 3.2: exactly one, valid; HTTP/1.0 may do without. */
  #checkHost(): void {
    const { host } = this;
    if (host === undefined) {
      if (this.minor === 1) this.refuse('no_host');
    } else if (!isAuthority(host)) this.refuse('bad_host');
  }

  #toOriginForm(target: string, encrypted: boolean): string {
    if (target === '*') return this.method === 'OPTIONS' ? target : this.refuse('asterisk_target');
    const [, secure, authority, rest = ''] = ABSOLUTE_FORM.exec(target) ?? [];
    // RFC 9110 7.4: a request for an https: URL must have arrived over TLS.
    if (authority === undefined || (secure && !encrypted) || !isAuthority(authority)) this.refuse('bad_target');
    this.#replaceHost(authority);
    // RFC 9112 3.2.4: an OPTIONS without path and query is about the server.
    if (rest === '') return this.method === 'OPTIONS' ? '*' : '/';
    return rest.startsWith('/') ? rest : `/${rest}`;
  }

  #replaceHost(authority: string): void {
    this.host = authority;
    const headers = [...this.headers];
    const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
    if (at < 0) headers.push('Host', authority);
    else headers[at + 1] = authority;
    this.replaceList(headers);
  }

  /** RFC 9110 10.1.1: an HTTP/1.0 client does not understand 100 Continue. */
  #checkExpectation(expect: string): void {
    if (this.minor === 1 && expect.toLowerCase() !== '100-continue') this.refuse('unknown_expectation');
  }
}

const ABSOLUTE_FORM = /^http(s?):\/\/([^/?]*)(.*)$/i;

/** Whether a request line is valid: an invalid one is refused before its whole head has arrived. */
export function checkRequestLine(line: string): void {
  if (!FIRST_LINE.test(line)) throw new MessageFault(findFault(line), 'request');
}

/** Finds the rule that a head breaks which does not match WHOLE. */
function findFault(text: string): MessageReason {
  let lineEnd = text.indexOf('\r\n');
  if (lineEnd < 0) lineEnd = text.length;
  return findBadRequestLine(text.slice(0, lineEnd)) ?? findBadLine(text.slice(lineEnd)) ?? 'bad_request_line';
}

const METHOD = new RegExp(`^[${TOKEN}]+$`);

function findBadRequestLine(line: string): MessageReason | undefined {
  if (line === '') return 'empty_line';
  if (line.includes('\r')) return 'bare_cr';
  if (line.includes('\n')) return 'bare_lf';
  const parts = line.split(' ');
  const [method = '', target = '', version = ''] = parts;
  if (!METHOD.test(method)) return 'bad_method';
  if (parts.length !== 3) return 'bad_request_line';
  if (!/^HTTP\/\d\.\d$/.test(version)) return 'bad_version';
  if (!/^HTTP\/1\.[01]$/.test(version)) return 'unsupported_version';
  if (target.includes('#')) return 'fragment_in_target';
  return /^[!-~]+$/.test(target) ? undefined : 'bad_target';
}
