import { STATUS_CODES } from 'node:http';
import { CONNECTION, CONTENT_LENGTH, DATE, OF_CONNECTION, TRAILER, WRITTEN } from './connection-headers.ts';
import { listHas } from './header-table.ts';
import { CHUNKED, TOKEN } from './message-head.ts';

/** The beginning of a response's head: framing and connection lines, and the empty line, are added later. */
export interface ResponseHeadText {
  readonly text: string;
  /** -1 without a Content-Length. It is not part of the text. */
  readonly contentLength: number;
  /** For a body in chunks; '' without one. */
  readonly trailerLine: string;
  readonly hasDate: boolean;
  /** The headers require that the connection is closed after this response. */
  readonly closes: boolean;
}

const NAME = new RegExp(`^[${TOKEN}]+$`);
const VALUE = /^[\t -~\x80-\xff]*$/;

/**
 * Builds the text of a response's head from flat end-to-end headers. Headers of a connection are left out. Throws a TypeError for
 * a part that would break the head: a name that is no token, a control byte or a character above 0xFF in a value, a bad or second length.
 */
export function toResponseHead(status: number, reason: string, headers: readonly string[]): ResponseHeadText {
  let text = `HTTP/1.1 ${status} ${VALUE.test(reason) ? reason : (STATUS_CODES[status] ?? '')}\r\n`;
  let contentLength = -1;
  let trailerLine = '';
  let hasDate = false;
  let closes = false;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    const value = headers[at + 1] as string;
    checkHeader(name, value);
    switch (WRITTEN.idOf(name)) {
      case OF_CONNECTION:
        // RFC 9110 15.5.22: a 426 names the protocol; 7.8: a message with Upgrade has it in Connection, too.
        if (status === 426 && name.toLowerCase() === 'upgrade') text += `Upgrade: ${value}\r\nConnection: Upgrade\r\n`;
        continue;
      case CONNECTION:
        closes ||= listHas(value, 'close');
        continue;
      case CONTENT_LENGTH:
        contentLength = toLength(value, contentLength);
        continue;
      case TRAILER:
        trailerLine += `${name}: ${value}\r\n`;
        continue;
      case DATE:
        hasDate = true;
        break;
    }
    text += `${name}: ${value}\r\n`;
  }
  return { text, contentLength, trailerLine, hasDate, closes };
}

/** The whole text of an interim response: no framing, no header of the connection. */
export function toInterimHead(status: number, headers: readonly string[]): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    const value = headers[at + 1] as string;
    checkHeader(name, value);
    const id = WRITTEN.idOf(name);
    if (id === 0 || id === DATE) text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

/** The whole text of a `101` for a protocol of the client's list. */
export function toUpgradeHead(headers: readonly string[]): string {
  let text = 'HTTP/1.1 101 Switching Protocols\r\n';
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    const value = headers[at + 1] as string;
    checkHeader(name, value);
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

export interface RequestHeadParts {
  readonly method: string;
  readonly target: string;
  /** Flat, end-to-end; headers of a connection are left out, and a Content-Length that does not fit `bodyBytes`. */
  readonly headers: readonly string[];
  /** A length, or CHUNKED. */
  readonly bodyBytes: number;
  /** The protocols to change to; the response may then be a 101. */
  readonly upgrade?: string | undefined;
}

/** Methods with a meaning for content, so that its absence is announced (RFC 9110 8.6); others get a length of 0 only if their headers have one. */
const WITH_CONTENT: ReadonlySet<string> = new Set(['PATCH', 'POST', 'PROPFIND', 'PROPPATCH', 'PUT', 'QUERY']);
const TARGET = /^[!-~]+$/;

/** Builds the whole head of a request to an origin. Throws a TypeError for a part that would break it. */
export function toRequestHead({ method, target, headers, bodyBytes, upgrade }: RequestHeadParts): string {
  if (!NAME.test(method) || !TARGET.test(target)) {
    throw new TypeError(`no method and target of a request line: ${JSON.stringify(`${method} ${target}`)}`);
  }
  let text = `${method} ${target} HTTP/1.1\r\n`;
  let hasLength = false;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    const value = headers[at + 1] as string;
    checkHeader(name, value);
    const id = WRITTEN.idOf(name);
    if (id === CONTENT_LENGTH) {
      if (hasLength || !isLength(value, bodyBytes)) continue;
      hasLength = true;
    } else if (id !== 0 && id !== DATE) continue;
    text += `${name}: ${value}\r\n`;
  }
  text += framingLine(method, bodyBytes, hasLength);
  return text + endOfHead(upgrade);
}

/** The lines of the connection to the origin, and the empty line. */
export function endOfHead(upgrade: string | undefined): string {
  if (upgrade === undefined) return 'Connection: keep-alive\r\n\r\n';
  checkHeader('Upgrade', upgrade);
  return `Upgrade: ${upgrade}\r\nConnection: Upgrade\r\n\r\n`;
}

/** The framing lines of a request's head besides a Content-Length. */
export function framingLine(method: string, bodyBytes: number, hasLength: boolean): string {
  if (bodyBytes === CHUNKED) return 'Transfer-Encoding: chunked\r\n';
  return !hasLength && (bodyBytes > 0 || WITH_CONTENT.has(method)) ? `Content-Length: ${bodyBytes}\r\n` : '';
}

function isLength(value: string, bytes: number): boolean {
  return /^\d{1,16}$/.test(value) && Number(value) === bytes;
}

/** Throws a TypeError for trailers that would break the message. */
export function toTrailerLines(trailers: readonly string[]): string {
  let text = '';
  for (let at = 0; at < trailers.length; at += 2) {
    const name = trailers[at] as string; // pairs
    const value = trailers[at + 1] as string;
    checkHeader(name, value);
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

/** A line break in a value, also by a character that latin1 cuts to one, would begin a header of the value's own. */
export function checkHeader(name: string, value: string): void {
  if (!NAME.test(name)) throw new TypeError(`no name of a header: ${JSON.stringify(name)}`);
  if (!VALUE.test(value)) throw new TypeError(`no value of a header: ${name}: ${JSON.stringify(value)}`);
}

function toLength(value: string, before: number): number {
  const length = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(length) || (before >= 0 && before !== length)) {
    throw new TypeError(`not one length of a body: ${JSON.stringify(value)}`);
  }
  return length;
}
