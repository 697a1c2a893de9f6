import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { listen } from './listen.ts';

/** Encoders by the name of their coding. No client has a decoder for `foo`. */
export const ENCODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
  'gzip, br': (bytes) => brotliCompressSync(gzipSync(bytes)),
  identity: (bytes) => bytes,
  foo: (bytes) => Buffer.from(bytes.toReversed()),
  'foo, gzip': (bytes) => gzipSync(bytes.toReversed()),
};

export interface CodingOrigin {
  readonly url: string;
}

/**
 * Starts an origin that answers `/<coding>` with `body` in that coding, with its length and a cookie, and `?events` with a head and no end of the body. Closed when the
 * test ends.
 */
export async function codingOrigin(t: ExecutionContext, body: Buffer): Promise<CodingOrigin> {
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '', 'http://origin');
    const coding = decodeURIComponent(pathname.slice(1));
    const coded = ENCODERS[coding]?.(body) ?? body;
    response.setHeader('Content-Encoding', coding);
    response.setHeader('Content-Type', search === '?events' ? 'text/event-stream' : 'text/plain');
    response.setHeader('Set-Cookie', 'origin=1');
    if (request.headers['if-none-match']) response.writeHead(304).end();
    else if (search === '?events') response.flushHeaders();
    else response.writeHead(200, { 'Content-Length': coded.length }).end(coded);
  });
  return { url: await listen(t, server) };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Not decoded. */
  readonly body: Buffer;
}

/** Sends a GET without decoding the response. Rejects if the response is cut. */
export async function getRaw(url: string, { method = 'GET', headers = {} } = {}): Promise<RawAnswer> {
  const asking = request(url, { method, headers, agent: false }).end();
  const [answer] = await once(asking, 'response');
  const body = Buffer.concat(await answer.toArray());
  return { status: answer.statusCode, headers: answer.headers, body };
}
