import type { Socket } from 'node:net';
import type { Content, ResponseListener, ResponseSink } from './currency.ts';
import { type ResponseHeadText, toInterimHead, toResponseHead, toTrailerLines } from './head-text.ts';
import type { HttpDate } from './http-date.ts';
import { CHUNKED } from './message-head.ts';
import { DROPPED, type MessageWriter } from './message-writer.ts';
import { isBodiless, UNTIL_CLOSE } from './response-head.ts';

/** The connection that a response is written to. */
export interface ResponseConnection {
  readonly socket: Socket;
  readonly writer: MessageWriter;
  readonly rules: { readonly date: HttpDate; readonly keepAliveLines: string };
  /** Called once, when the head leaves: whether the client may send a further request. Drops a body that nothing has read. */
  decideKeepAlive(): boolean;
  /** The response has ended; the connection goes on, or closes. */
  responseEnded(response: ClientResponse): void;
  /** Cuts the connection; `byReset` where an orderly end would look like the end of the body. */
  cut(byReset: boolean): void;
  handOver(): { readonly socket: Socket; readonly head: Buffer };
}

/** The response to one request on a client connection. */
export class ClientResponse implements ResponseSink {
  status = 0;
  isEnded = false;
  isClosed = false;
  needsDrain = false;
  /** The client is told, or was, that the connection closes behind this response. */
  closes: boolean;
  readonly #connection: ResponseConnection;
  readonly #method: string;
  readonly #minor: 0 | 1;
  #listener: ResponseListener | undefined;
  #head: ResponseHeadText | undefined;
  /** Of the head that has left. */
  #framing: number | undefined;
  #isWhole = false;
  #sentBytes = 0;

  /** `closes`: the connection must close behind it, whatever happens. */
  constructor(connection: ResponseConnection, method: string, minor: 0 | 1, closes: boolean) {
    this.#connection = connection;
    this.#method = method;
    this.#minor = minor;
    this.closes = closes;
  }

  get isHeadWritten(): boolean {
    return this.#head !== undefined;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  listen(listener: ResponseListener): void {
    this.#listener = listener;
    if (this.isClosed) listener.closed(this.#isWhole);
  }

  inform(status: number, headers: readonly string[]): void {
    if (this.isClosed || this.#head || this.#minor === 0) return;
    this.#connection.socket.write(toInterimHead(status, headers), 'latin1');
  }

  head(status: number, reason: string, headers: readonly string[]): void {
    if (this.#head) throw new Error('the head of a response was written a second time');
    if (!Number.isInteger(status) || status < 200 || status > 999) throw new TypeError(`no final status: ${status}`);
    this.#head = toResponseHead(status, reason, headers);
    this.status = status;
    if (this.#head.closes) this.closes = true;
    if (!this.isClosed) process.nextTick(flush, this);
  }

  write(content: Content): boolean {
    if (this.isClosed || this.isEnded) return true;
    this.#open(undefined);
    const { writer } = this.#connection;
    const ready = writer.write(content);
    this.#sentBytes = writer.count;
    if (!ready) this.needsDrain = true;
    return ready;
  }

  end(content: Content = '', trailers: readonly string[] = NONE): void {
    if (this.isEnded || this.isClosed) return;
    const lines = trailers.length === 0 ? '' : toTrailerLines(trailers);
    this.#open(lines === '' ? content : undefined);
    const { writer } = this.#connection;
    const isFull = writer.end(content, lines, this.#onFlushed);
    this.isEnded = true;
    this.#sentBytes = writer.count;
    if (isFull) this.#connection.responseEnded(this);
    else this.#connection.cut(false);
  }

  closeBehind(): void {
    this.closes = true;
  }

  abort(): void {
    if (this.isClosed) return;
    this.#connection.cut(this.#framing === UNTIL_CLOSE);
  }

  takeOver(): { readonly socket: Socket; readonly head: Buffer } {
    if (this.#head) throw new Error('a connection was taken over behind a response');
    const taken = this.#connection.handOver();
    this.isEnded = true;
    this.close(true);
    return taken;
  }

  /** Sends the head if no content came with it in this turn. */
  flush(): void {
    if (this.isClosed || this.#framing !== undefined) return;
    this.#open(undefined);
    this.#connection.writer.flush();
  }

  /** The connection takes bytes again. */
  drained(): void {
    if (!this.needsDrain) return;
    this.needsDrain = false;
    this.#listener?.drained();
  }

  clientEnded(): void {
    this.#listener?.clientEnded?.();
  }

  /** Idempotent. */
  close(isWhole: boolean): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#isWhole = isWhole;
    this.#listener?.closed(isWhole);
  }

  readonly #onFlushed = (error?: Error | null): void => this.close(!error);

  /** Decides on the framing, once. `whole`: all of the content, if it is known. */
  #open(whole: Content | undefined): void {
    if (this.#framing !== undefined) return;
    const head = this.#head;
    if (!head) throw new Error('content of a response was written before its head');
    const { status } = this;
    const { contentLength } = head;
    let lines = '';
    if (isBodiless(this.#method, status)) {
      this.#framing = DROPPED;
      // RFC 9110 8.6: a 204 has no length; HEAD and 304 may have that of a GET.
      if (contentLength >= 0 && status !== 204) lines = `Content-Length: ${contentLength}\r\n`;
    } else if (status === 205) {
      // RFC 9110 15.3.6: it is always empty, and this is how its end is found.
      this.#framing = DROPPED;
      lines = 'Content-Length: 0\r\n';
    } else if (contentLength >= 0 || whole !== undefined) {
      this.#framing = contentLength >= 0 ? contentLength : byteLength(whole ?? '');
      lines = `Content-Length: ${this.#framing}\r\n`;
    } else if (this.#minor === 1) {
      this.#framing = CHUNKED;
      lines = `${head.trailerLine}Transfer-Encoding: chunked\r\n`;
    } else {
      this.#framing = UNTIL_CLOSE;
      this.closes = true;
    }
    const { writer, rules } = this.#connection;
    if (!this.#connection.decideKeepAlive()) this.closes = true;
    const text = head.hasDate ? head.text : `${head.text}Date: ${rules.date.text}\r\n`;
    writer.begin(`${text}${lines}${this.closes ? 'Connection: close\r\n' : rules.keepAliveLines}\r\n`, this.#framing);
  }
}

const NONE: readonly string[] = [];

function flush(response: ClientResponse): void {
  response.flush();
}

function byteLength(content: Content): number {
  return typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
}
