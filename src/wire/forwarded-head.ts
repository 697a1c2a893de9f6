import type { ClientRequest } from './client-request.ts';
import { nominatedBy } from './connection-headers.ts';
import { endOfHead, framingLine, type ResponseHeadText } from './head-text.ts';
import { CONTENT_LENGTH, DATE, LAST_OF_CONNECTION, TRAILER } from './header-lines.ts';
import { CHUNKED } from './message-head.ts';
import type { ResponseHead } from './response-head.ts';

const SPACE_AT = 'HTTP/1.1 200'.length;

/**
 * The whole head of a request that is forwarded as it was received, except for the lines of its connection. `added`: further lines, each with its CRLF. `upgrade`: the protocol
 * to change to.
 * Undefined if a line has to be changed, which takes the list of its headers (`toRequestHead`).
 */
export function passRequestHead(
  request: ClientRequest,
  { added, upgrade }: { readonly added: string; readonly upgrade: string | undefined },
): string | undefined {
  const { method, target, connection, bodyBytes } = request;
  if (request.isChanged || (connection !== undefined && nominatedBy(connection))) return undefined;
  const lines = request.linesBeyond(LAST_OF_CONNECTION);
  const framing = framingLine(method, bodyBytes, request.has(CONTENT_LENGTH));
  return `${method} ${target} HTTP/1.1\r\n${lines}${added}${framing}${endOfHead(upgrade)}`;
}

/** The same for the head of a response to a client. */
export function passResponseHead(head: ResponseHead, added: string): ResponseHeadText | undefined {
  const { status, reason, minor, connection, bodyBytes } = head;
  if (connection !== undefined && nominatedBy(connection)) return undefined;
  // Without the space after the status the line is accepted, but not sent (RFC 9112 4).
  const lines =
    minor === 1 && head.text.charCodeAt(SPACE_AT) === 0x20
      ? head.linesBeyond(CONTENT_LENGTH, 0)
      : `HTTP/1.1 ${status} ${reason}\r\n${head.linesBeyond(CONTENT_LENGTH)}`;
  // Only a body in chunks can have trailers.
  const trailer = bodyBytes === CHUNKED ? head.value(TRAILER) : undefined;
  return {
    text: lines + added,
    contentLength: head.announcedLength,
    trailerLine: trailer === undefined ? '' : `Trailer: ${trailer}\r\n`,
    hasDate: head.has(DATE),
    closes: false,
  };
}
