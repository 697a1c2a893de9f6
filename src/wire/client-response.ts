import type { Socket } from 'node:net';
import type {
  Content,
  IncomingRequest,
  NodeView,
  PairOwner,
  ResponseListener,
  ResponseSink,
} from '../contract/http-message.ts';
import { type ResponseHeadText, toInterimHead, toResponseHead, toTrailerLines } from './head-text.ts';
import type { HeldResponse, HeldResponses } from './held-responses.ts';
import type { HttpDate } from './http-date.ts';
import { CHUNKED } from './message-head.ts';
import { DROPPED, type MessageWriter } from './message-writer.ts';
import { ConnectionPair, type PairConnection, type PairedResponse } from './node-pair.ts';
import { isBodiless, UNTIL_CLOSE } from './response-head.ts';

/** The connection that a response is written to. */
export interface ResponseConnection extends PairConnection {
  readonly writer: MessageWriter;
  readonly rules: {
    readonly date: HttpDate;
    readonly held: HeldResponses;
    readonly keepAliveLines: string;
    readonly keepAliveMs: number;
  };
  /** The response has ended; the connection reads the next request, or closes. */
  responseEnded(response: ClientResponse): void;
}

/** The response to one request on a client connection. */
export class ClientResponse implements ResponseSink, PairedResponse, HeldResponse {
  status = 0;
  isEnded = false;
  isClosed = false;
  /** The kernel has accepted it, and code still reads the body of the request. */
  isSent = false;
  needsDrain = false;
  /** The request has no body: nothing else is read from the connection before the response is sent. */
  mayBeHeld = false;
  /** The head of this response has, or will have, `Connection: close`. */
  closes: boolean;
  readonly #connection: ResponseConnection;
  readonly #method: string;
  readonly #minor: 0 | 1;
  #listener: ResponseListener | undefined;
  #head: ResponseHeadText | undefined;
  /** Of the head that was sent. */
  #framing: number | undefined;
  #isWhole = false;
  #sentBytes = 0;
  /** The handler has not returned yet: all of the response may follow the head at once. */
  #isInHandler = true;
  /** Node's objects; from then on the response is written through them. */
  #pair: ConnectionPair | undefined;

  /** `closes`: the connection must be closed after it in any case. */
  constructor(connection: ResponseConnection, method: string, minor: 0 | 1, closes: boolean) {
    this.#connection = connection;
    this.#method = method;
    this.#minor = minor;
    this.closes = closes;
  }

  get isHeadWritten(): boolean {
    return this.status !== 0;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  listen(listener: ResponseListener): void {
    this.#listener = listener;
    if (this.isClosed) listener.closed(this.#isWhole);
  }

  inform(status: number, headers: readonly string[]): void {
    if (this.isClosed || this.isHeadWritten || this.#minor === 0) return;
    this.#connection.socket.write(toInterimHead(status, headers), 'latin1');
  }

  head(status: number, reason: string, headers: readonly string[]): void {
    this.headText(status, toResponseHead(status, reason, headers));
    if (!this.#isInHandler) this.#flushLater();
  }

  /** The same with a text of the status line and valid header lines. The caller writes content in this turn, or calls `flush`. */
  headText(status: number, text: ResponseHeadText): void {
    if (this.isHeadWritten) throw new Error('the head of a response was written a second time');
    if (!Number.isInteger(status) || status < 200 || status > 999) throw new TypeError(`no final status: ${status}`);
    this.#head = text;
    this.status = status;
    if (text.closes) this.closes = true;
    this.#listener?.headWritten?.();
  }

  /** Called once, when the handler of the request has returned. */
  handlerReturned(): void {
    this.#isInHandler = false;
    if (this.#head && !this.isEnded) this.#flushLater();
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
    const isWhole = this.#framing === undefined && lines === '';
    this.#open(lines === '' ? content : undefined);
    const { writer, rules } = this.#connection;
    const isHeld = isWhole && this.mayBeHeld && !this.closes && rules.held.isBusy();
    const isFull = isHeld ? writer.endLater(content) : writer.end(content, lines);
    this.isEnded = true;
    this.#sentBytes = writer.count;
    if (!isFull) {
      if (writer.isHolding) writer.release();
      this.#connection.cut(false);
    } else if (writer.isHolding) rules.held.add(this);
    else this.#sent();
  }

  send(): void {
    const { writer } = this.#connection;
    if (this.isClosed || !writer.isHolding) return;
    writer.release();
    if (!this.#pair) this.#sent();
    else if (writer.isFlushed) this.#pair.sentInRow();
    else this.#awaitPair(this.#pair);
  }

  sendText(text: string, mayWait: boolean): void {
    const { writer, rules } = this.#connection;
    const isHeld = mayWait && this.mayBeHeld && !this.closes && rules.held.isBusy();
    writer.sendText(text, isHeld);
    if (isHeld) rules.held.add(this);
    else if (this.#pair && writer.isFlushed) process.nextTick(sent, this.#pair);
    else if (this.#pair) this.#awaitPair(this.#pair);
  }

  /** After an error the connection closes. */
  #awaitPair(pair: ConnectionPair): void {
    this.#connection.writer.whenFlushed((error) => error || pair.sent());
  }

  #sent(): void {
    const { writer } = this.#connection;
    if (writer.isFlushed) this.close(true);
    else writer.whenFlushed((error) => this.close(!error));
    this.#connection.responseEnded(this);
  }

  closeBehind(): void {
    this.closes = true;
    this.#pair?.closeBehind();
  }

  abort(): void {
    if (this.isEnded) this.send();
    if (this.isClosed) return;
    // A client that gets nothing at all would send the request again.
    if (this.#head) this.flush();
    this.#connection.cut(this.#framing === UNTIL_CLOSE);
  }

  takeOver(): { readonly socket: Socket; readonly head: Buffer } {
    if (this.isHeadWritten) throw new Error('a connection was taken over after a response');
    const taken = this.#connection.handOver();
    this.status = 101;
    this.isEnded = true;
    this.#listener?.headWritten?.();
    taken.socket.once('close', () => this.close(true));
    return taken;
  }

  toNode(request: IncomingRequest, target: string, owner: PairOwner): NodeView {
    if (this.isHeadWritten || this.#pair)
      throw new Error("Node's objects were made behind a response, or a second time");
    this.#pair = new ConnectionPair({ connection: this.#connection, paired: this, request, target, owner });
    const { view } = this.#pair;
    if (this.#listener) view.response.listen(this.#listener);
    if (this.isClosed) this.#pair.closed();
    return view;
  }

  nodeSent(): void {
    this.isSent = true;
  }

  nodeEnded(closes: boolean): void {
    this.isEnded = true;
    if (closes) this.closes = true;
    this.#connection.responseEnded(this);
  }

  /** Sends the head if in this turn of the event loop no content followed it, or none that is sent. */
  flush(): void {
    if (this.isClosed || this.isEnded || !this.#head) return;
    this.#open(undefined);
    this.#connection.writer.flush();
  }

  /** The connection accepts bytes again. */
  drained(): void {
    this.#pair?.drained();
    if (!this.needsDrain) return;
    this.needsDrain = false;
    this.#listener?.drained();
  }

  clientEnded(): void {
    if (this.#connection.writer.isHolding) return;
    if (this.#pair) this.#pair.clientEnded();
    else this.#listener?.clientEnded?.();
  }

  /** Idempotent. */
  close(isWhole: boolean): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#isWhole = isWhole;
    if (this.#pair) this.#pair.closed();
    else this.#listener?.closed(isWhole);
  }

  #flushLater(): void {
    if (!this.isClosed) process.nextTick(flush, this);
  }

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
      // RFC 9110 15.3.6: it is always empty, and its length shows where it ends.
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
    if (!this.#connection.decideKeepAlive(whole !== undefined)) this.closes = true;
    const text = head.hasDate ? head.text : `${head.text}Date: ${rules.date.text}\r\n`;
    writer.begin(`${text}${lines}${this.closes ? 'Connection: close\r\n' : rules.keepAliveLines}\r\n`, this.#framing);
  }
}

const NONE: readonly string[] = [];

function sent(pair: ConnectionPair): void {
  pair.sent();
}

function flush(response: ClientResponse): void {
  response.flush();
}

function byteLength(content: Content): number {
  return typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
}
