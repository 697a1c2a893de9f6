import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { HOP_BY_HOP, joinValues, NameTable, withoutNominated } from '../http/headers.ts';

type Role =
  | 'end-to-end'
  | 'hop-by-hop'
  | 'connection'
  | 'content-length'
  | 'content-type'
  | 'trailer'
  | 'transfer-encoding'
  | 'request-id'
  | 'tag';

const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  ...[...HOP_BY_HOP].map((name) => [name, 'hop-by-hop'] as const),
  ['connection', 'connection'],
  ['content-length', 'content-length'],
  ['content-type', 'content-type'],
  ['section-io-id', 'request-id'],
  ['section-io-tag', 'tag'],
  ['trailer', 'trailer'],
  ['transfer-encoding', 'transfer-encoding'],
  ['x-request-id', 'request-id'],
]);

/**
 * Headers for framing, routing and authentication must be known before the body (RFC 9110 6.5.1).
 */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'host',
  'set-cookie',
  'www-authenticate',
]);

/** The head of the hop's response, prepared for the client. */
export interface AnswerHead {
  /** Flat: name, value, name, value; for `response.writeHead`. */
  readonly fields: string[];
  /** True for `text/event-stream`, which may send nothing for a long time. */
  readonly eventStream: boolean;
  /** The hop's Content-Length; -1 if absent. */
  readonly contentLength: number;
}

/** Creates the headers that are sent to the client. */
export class ResponseHeaders {
  readonly #roles = new NameTable<Role>(ROLES, 'end-to-end');

  /**
   * Returns all end-to-end headers with their order, case and duplicates. Also stores on the
   * exchange what the access line needs. Throws `hop_bad_answer` for a transfer coding other than
   * `chunked`: undici would pass on the body still encoded.
   */
  toClient(rawHeaders: readonly (Buffer | string)[], status: number, exchange: Exchange): AnswerHead {
    const fields: string[] = [];
    let connection: string | undefined;
    let coding: string | undefined;
    let trailer: string | undefined;
    let hasRequestId = false;
    let eventStream = false;
    let contentLength = -1;
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = text(rawHeaders[at]);
      const value = text(rawHeaders[at + 1]);
      switch (this.#roles.get(name)) {
        case 'hop-by-hop':
          continue;
        case 'connection':
          connection = joinValues(connection, value);
          continue;
        case 'transfer-encoding':
          coding = joinValues(coding, value);
          continue;
        case 'trailer':
          trailer = value;
          continue;
        case 'content-length':
          // A 204 has no Content-Length and a 205 is always empty (RFC 9110 8.6, 15.3.6). 304 and
          // HEAD keep the length of a GET.
          if (status === 204 || status === 205) continue;
          contentLength = Number(value);
          break;
        case 'content-type':
          exchange.contentType = value;
          eventStream = isEventStream(value);
          break;
        case 'tag':
          exchange.sectionTag = value;
          break;
        case 'request-id':
          hasRequestId ||= name.toLowerCase() === exchange.requestId.name;
          break;
      }
      fields.push(name, value);
    }
    if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
      throw new Fault('hop_bad_answer', {
        message: `the hop's Transfer-Encoding must be "chunked", got ${JSON.stringify(coding)}`,
      });
    }
    const kept = withoutNominated(fields, connection);
    if (!hasRequestId) kept.push(exchange.requestId.name, exchange.requestId.value);
    if (status === 205) kept.push('Content-Length', '0');
    // Only a chunked body can have trailers; Node throws on a Trailer header in other responses.
    if (trailer !== undefined && coding !== undefined && carriesTrailers(exchange, status))
      kept.push('Trailer', trailer);
    return { fields: kept, eventStream, contentLength };
  }

  /** The end-to-end headers of a 1xx response. */
  toInterim(rawHeaders: readonly (Buffer | string)[]): string[] {
    return this.#endToEnd(rawHeaders);
  }

  /**
   * The trailer section as pairs for `response.addTrailers`, without headers that are not allowed
   * in trailers (RFC 9110 6.5.1).
   */
  toTrailers(rawHeaders: readonly (Buffer | string)[]): [string, string][] {
    const fields = this.#endToEnd(rawHeaders);
    const pairs: [string, string][] = [];
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at] as string; // pairs
      if (!NOT_IN_TRAILERS.has(name.toLowerCase())) pairs.push([name, fields[at + 1] as string]);
    }
    return pairs;
  }

  #endToEnd(rawHeaders: readonly (Buffer | string)[]): string[] {
    const fields: string[] = [];
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = text(rawHeaders[at]);
      const role = this.#roles.get(name);
      if (role === 'hop-by-hop' || role === 'connection' || role === 'trailer' || role === 'transfer-encoding')
        continue;
      fields.push(name, text(rawHeaders[at + 1]));
    }
    return fields;
  }
}

function text(raw: Buffer | string | undefined): string {
  return typeof raw === 'string' ? raw : (raw as Buffer).toString('latin1'); // pairs, so never undefined; latin1 keeps every byte
}

function isEventStream(contentType: string): boolean {
  return /^text\/event-stream\b/i.test(contentType);
}

/**
 * Whether the response to this request is chunked. Node does that for HTTP/1.1 without a length.
 */
function carriesTrailers({ request }: Exchange, status: number): boolean {
  return (
    request.httpVersion === '1.1' && request.method !== 'HEAD' && status !== 204 && status !== 205 && status !== 304
  );
}
