import { createServer, type IncomingMessage, request } from 'node:http';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Reading, ReadMessage } from './reading.ts';

/** One end of a connection: what the other end sends is pushed, what it would get is dropped. */
function connection(): Duplex {
  const duplex = new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      done();
    },
    final(done) {
      done();
    },
  });
  return duplex.on('error', () => undefined);
}

/** Reads the requests of connections with Node's own server and parser, in its strict mode. */
export class NodeRequestReader {
  #reading: Reading = { messages: [], refusal: undefined };
  readonly #server = createServer({
    insecureHTTPParser: false,
    requireHostHeader: false,
    // As a server does that declines each upgrade.
    shouldUpgradeCallback: () => false,
    maxHeaderSize: 64 * 1024,
    connectionsCheckingInterval: 2 ** 30,
  });

  constructor() {
    this.#server.on('request', (message) => take(this.#reading, message, message.method ?? '', message.url ?? ''));
    this.#server.on('connect', (message) => take(this.#reading, message, message.method ?? '', message.url ?? ''));
    // The connection is not destroyed: that would break off the requests in front of the bad one.
    this.#server.on('clientError', (error: NodeJS.ErrnoException) => {
      this.#reading.refusal ??= error.code ?? error.message;
    });
  }

  async read(bytes: Buffer): Promise<Reading> {
    const reading: Reading = { messages: [], refusal: undefined };
    this.#reading = reading;
    const duplex = connection();
    this.#server.emit('connection', duplex);
    duplex.push(bytes);
    // The parser runs within the push; the streams of the bodies move in the ticks behind it.
    await setImmediate();
    await setImmediate();
    duplex.destroy();
    return reading;
  }
}

/** Reads the response to one request with Node's own client, from a connection that then ends in order. */
export async function readResponseByNode(bytes: Buffer, method: string): Promise<Reading> {
  const reading: Reading = { messages: [], refusal: undefined };
  const duplex = connection();
  const asked = request({
    method,
    createConnection: () => duplex,
    insecureHTTPParser: false,
    maxHeaderSize: 64 * 1024,
  });
  asked.on('information', ({ statusCode, statusMessage, httpVersion, rawHeaders }) => {
    reading.messages.push({
      first: String(statusCode),
      second: statusMessage,
      version: httpVersion,
      headers: rawHeaders,
      body: '',
      isWhole: true,
    });
  });
  asked.on('response', (message) => {
    take(reading, message, String(message.statusCode), message.statusMessage ?? '');
  });
  asked.on('upgrade', () => {
    reading.refusal ??= 'upgrade';
  });
  asked.on('error', (error: NodeJS.ErrnoException) => {
    reading.refusal ??= error.code ?? error.message;
  });
  asked.end();
  await setImmediate();
  duplex.push(bytes);
  duplex.push(null);
  await setImmediate();
  await setImmediate();
  asked.destroy();
  duplex.destroy();
  return reading;
}

function take(reading: Reading, message: IncomingMessage, first: string, second: string): void {
  const { httpVersion, rawHeaders } = message;
  const read: ReadMessage = { first, second, version: httpVersion, headers: rawHeaders, body: '', isWhole: false };
  reading.messages.push(read);
  message.on('error', () => undefined);
  message.on('data', (chunk: Buffer) => {
    read.body += chunk.toString('latin1');
  });
  message.on('end', () => {
    read.isWhole = message.complete;
  });
}
