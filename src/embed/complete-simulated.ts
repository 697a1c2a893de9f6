import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Completes a request and a response that were not created by a Node server. Adapters for Lambda
 * (serverless-http, serverless-express) and for tests (light-my-request) build both from an event.
 * Some have the HTTP version as text, numbers as header values, or no flat list of headers. Later
 * code reads that list and checks trust headers there, so the headers of a request with an empty
 * list would not be checked. Others have a connection without byte counts, a `write` that returns
 * nothing, or a response that never closes. Objects of a Node server are not changed.
 */
export function completeSimulated(request: IncomingMessage, response: ServerResponse): void {
  if (isParsed(request)) return;
  request.httpVersionMajor = toNumber(request.httpVersionMajor);
  request.httpVersionMinor = toNumber(request.httpVersionMinor);
  completeHeaders(request);
  if (request.socket.bytesWritten === undefined) Object.defineProperty(request.socket, 'bytesWritten', { value: 0 });
  completeResponse(response);
}

function isParsed(request: IncomingMessage): boolean {
  const { httpVersionMajor, httpVersionMinor, rawHeaders } = request;
  return (
    typeof httpVersionMajor === 'number' &&
    typeof httpVersionMinor === 'number' &&
    // `in`, because Node builds `headersDistinct` and `headers` at the first read.
    'headersDistinct' in request &&
    (rawHeaders.length > 0 || Object.keys(request.headers).length === 0)
  );
}

/** A missing version means HTTP/1.1. */
function toNumber(version: unknown): number {
  return Number(version ?? 1);
}

function completeHeaders(request: IncomingMessage): void {
  const { headers } = request;
  const rawHeaders = request.rawHeaders.map(String);
  const isBare = rawHeaders.length === 0;
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const values = [value].flat().map(String);
    if (isBare) rawHeaders.push(...values.flatMap((each) => [name, each]));
    if (!Array.isArray(value)) headers[name] = values.join();
  }
  request.rawHeaders = rawHeaders;
  request.headersDistinct = toDistinct(rawHeaders);
}

function toDistinct(rawHeaders: readonly string[]): NodeJS.Dict<string[]> {
  const values = new Map<string, string[]>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [(rawHeaders[at] as string).toLowerCase(), rawHeaders[at + 1] as string]; // pairs
    const list = values.get(name);
    if (list) list.push(value);
    else values.set(name, [value]);
  }
  return Object.fromEntries(values);
}

function completeResponse(response: ServerResponse): void {
  const write = response.write as (...given: unknown[]) => unknown; // one of its overloads
  // Only `false` means that the buffer is full, as for `pipe`. For any other value no 'drain'
  // follows.
  response.write = (...given: unknown[]) => write.apply(response, given) !== false;
  let isClosed = false;
  response.once('close', () => {
    isClosed = true;
  });
  // Node's own responses emit 'close' after 'finish'. An adapter that emits it itself has done so
  // by then.
  response.once('finish', () => setImmediate(() => isClosed || response.emit('close')));
}
