import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Completes a request and a response that no server of Node's has made: adapters for Lambda (serverless-http, serverless-express) and for tests (light-my-request)
 * build both from an event. Some have the HTTP version as text, numbers as values of headers, or no flat list of headers. The code behind this reads that
 * list, and vets trust headers there, so those of a request with an empty list would not be vetted. Others have a connection without counts, whose `write`
 * returns nothing, and a response that never closes. What a server of Node's has made is left as it is.
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
    // `in`, because Node builds `headersDistinct` when it is first read, and `headers` as well.
    'headersDistinct' in request &&
    (rawHeaders.length > 0 || Object.keys(request.headers).length === 0)
  );
}

/** HTTP/1.1 where nothing is said. */
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
  // Only `false` means that the connection is full, as for `pipe`; 'drain' never follows anything else.
  response.write = (...given: unknown[]) => write.apply(response, given) !== false;
  let isClosed = false;
  response.once('close', () => {
    isClosed = true;
  });
  // Of Node's own responses each that is finished closes. An adapter that emits the event itself has done so by then.
  response.once('finish', () => setImmediate(() => isClosed || response.emit('close')));
}
