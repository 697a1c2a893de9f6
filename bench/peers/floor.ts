/**
 * The lowest cost of a forwarding Node server: `node:http` for clients, plain `net` sockets to the origin. It forwards headers unchanged, keeps connections to the origin, has
 * back-pressure in both directions, and cuts incomplete responses. It has no log, no checks, no timeouts and no retry: it is only for comparison.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';

const [port = 0, originPort = 0] = process.argv.slice(2).map(Number);
const HEAD_END = Buffer.from('\r\n\r\n');

const NOTHING = Buffer.alloc(0);

/** One connection to the origin; carries one exchange at a time. */
class OriginConnection {
  readonly #socket: Socket;
  readonly #idle: OriginConnection[];
  #request: IncomingMessage | undefined;
  #response: ServerResponse | undefined;
  /** The received part of the response head; undefined when the head is complete. */
  #head: Buffer | undefined;
  #bytesLeft = 0;

  constructor(idle: OriginConnection[]) {
    this.#idle = idle;
    this.#socket = connect({ port: originPort, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('drain', () => this.#request?.resume());
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => this.#lose());
  }

  exchange(request: IncomingMessage, response: ServerResponse): void {
    this.#request = request;
    this.#response = response;
    this.#head = NOTHING;
    response.on('drain', () => this.#socket.resume());
    response.on('close', () => this.#leave(response));
    this.#socket.write(requestHead(request), 'latin1');
    // Without a length there is no body: the load sends no chunked requests.
    if (request.headers['content-length'] === undefined) return;
    request.on('data', (chunk: Buffer) => {
      if (!this.#socket.write(chunk)) request.pause();
    });
  }

  #receive(chunk: Buffer): void {
    const response = this.#response;
    // Bytes without a request would become part of the next response.
    if (!response) this.#socket.destroy();
    else if (this.#head === undefined) this.#pass(chunk, response);
    else this.#readHead(this.#head === NOTHING ? chunk : Buffer.concat([this.#head, chunk]), response);
  }

  #readHead(bytes: Buffer, response: ServerResponse): void {
    const end = bytes.indexOf(HEAD_END);
    this.#head = bytes;
    if (end === -1) return;
    this.#head = undefined;
    const { status, reason, headers, length } = parseHead(bytes.toString('latin1', 0, end));
    this.#bytesLeft = length;
    response.writeHead(status, reason, headers);
    this.#pass(bytes.subarray(end + HEAD_END.length), response);
  }

  #pass(chunk: Buffer, response: ServerResponse): void {
    this.#bytesLeft -= chunk.length;
    if (this.#bytesLeft > 0) {
      if (chunk.length > 0 && !response.write(chunk)) this.#socket.pause();
      return;
    }
    const whole = this.#bytesLeft === 0 && this.#request?.complete === true;
    this.#request = undefined;
    this.#response = undefined;
    response.end(chunk);
    // After surplus bytes, or a response before the end of its upload, the next exchange would read or send bytes of this one.
    if (whole) this.#idle.push(this);
    else this.#socket.destroy();
  }

  /** The client has left before its response was complete. */
  #leave(response: ServerResponse): void {
    if (this.#response === response) this.#socket.destroy();
  }

  #lose(): void {
    const index = this.#idle.indexOf(this);
    if (index !== -1) this.#idle.splice(index, 1);
    const response = this.#response;
    this.#response = undefined;
    if (!response) return;
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  }
}

function requestHead(request: IncomingMessage): string {
  let head = `${request.method} ${request.url} HTTP/1.1\r\n`;
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2)
    head += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  return `${head}\r\n`;
}

/** Throws, which fails the bench's row, if a response has no length: the origin always sends one. */
function parseHead(head: string): { status: number; reason: string; headers: string[]; length: number } {
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers: string[] = [];
  let length = -1;
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    headers.push(name, value);
    if (name.length === 14 && name.toLowerCase() === 'content-length') length = Number(value);
  }
  if (length < 0) throw new Error(`the origin answered without Content-Length: ${statusLine}`);
  return { status: Number(statusLine.slice(9, 12)), reason: statusLine.slice(13), headers, length };
}

const idle: OriginConnection[] = [];

createServer((request, response) => {
  // The origin is least likely to have closed the connection that was used last.
  const connection = idle.pop() ?? new OriginConnection(idle);
  connection.exchange(request, response);
}).listen(port, '127.0.0.1');
