import { Fault } from '../contract/fault.ts';
import { GrowingBytes } from '../contract/growing-bytes.ts';
import type { BodySink, BodySource } from '../contract/http-message.ts';
import type { BodyReader } from './body-reader.ts';
import { createBodyReader } from './create-body-reader.ts';
import { MessageFault } from './message-fault.ts';
import type { ReceivedBytes } from './received-bytes.ts';

/** The connection that a body is read from. */
export interface BodyConnection {
  /** The body accepts bytes now: those that wait, and further ones. */
  readOn(): void;
  /** Sends `100 Continue` to a client that waits for it. */
  admitBody(): void;
}

type State = 'unread' | 'flowing' | 'paused' | 'dropping' | 'over';

/** The body of one request on a client connection. The connection passes it the received bytes. */
export class ClientBody implements BodySource {
  isStarted = false;
  readonly announcedBytes: number;
  readonly #reader: BodyReader;
  readonly #connection: BodyConnection;
  #state: State = 'unread';
  #sink: BodySink | undefined;
  #fault: Fault | undefined;
  /** What `peek` has read: the sink gets it first. */
  #peeked: Buffer | undefined;
  /** The response has ended. */
  #isReleased = false;

  /** `announcedBytes`: as in the head; not 0. */
  constructor(announcedBytes: number, reader: BodyReader, connection: BodyConnection) {
    this.announcedBytes = announcedBytes;
    this.#reader = reader;
    this.#connection = connection;
  }

  get receivedBytes(): number {
    return this.#reader.count;
  }

  get isComplete(): boolean {
    return this.#reader.isComplete && this.#peeked === undefined;
  }

  /** All of it was received; the next request follows it. */
  get isReceived(): boolean {
    return this.#reader.isComplete;
  }

  get fault(): Fault | undefined {
    return this.#fault;
  }

  get trailers(): readonly string[] {
    return this.#reader.trailers;
  }

  /** The body accepts bytes: if none arrive, the client is the reason. */
  get isFlowing(): boolean {
    return this.#state === 'flowing' || this.#state === 'dropping';
  }

  get isAwaited(): boolean {
    return this.#state === 'flowing' && !this.#reader.isComplete;
  }

  get isUnread(): boolean {
    return this.#state === 'unread';
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  /** Bytes of content that are still expected; Infinity if the number is unknown or above the limit. */
  get restBytes(): number {
    const { isComplete, maxBytes } = this.#reader;
    if (isComplete) return 0;
    return this.announcedBytes < 0 || (maxBytes > 0 && this.announcedBytes > maxBytes)
      ? Number.POSITIVE_INFINITY
      : this.announcedBytes - this.#reader.count;
  }

  /** Whether the waiting bytes may be the rest of the body, after which the client sends nothing. */
  mayEndIn({ size, endsWithEmptyLine }: ReceivedBytes): boolean {
    return this.announcedBytes < 0 ? endsWithEmptyLine : size >= this.announcedBytes - this.#reader.count;
  }

  limit(bytes: number): void {
    const reader = this.#reader;
    if (bytes > 0 && (reader.maxBytes === 0 || bytes < reader.maxBytes)) reader.maxBytes = bytes;
    if (reader.maxBytes > 0 && this.announcedBytes > reader.maxBytes)
      throw new MessageFault('body_too_large', 'request');
  }

  async peek(isEnough: (content: Buffer) => boolean): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const content = new GrowingBytes();
      const end = (): void => {
        this.#giveBack(content.all);
        resolve(content.all);
      };
      const onData = (piece: Buffer): void => {
        const all = content.add(piece);
        if (this.#reader.isComplete || isEnough(all)) end();
      };
      this.start({ onData, onEnd: end, onFailure: reject });
    });
  }

  start(sink: BodySink): void {
    if (this.#fault) {
      sink.onFailure(this.#fault);
      return;
    }
    if (this.#state !== 'unread' && !this.isStarted) {
      sink.onFailure(new Fault('client_left', { message: 'the response has ended, and the body was dropped' }));
      return;
    }
    if (this.#state !== 'unread') throw new Error('a body was started a second time');
    this.isStarted = true;
    this.#sink = sink;
    this.#state = 'flowing';
    this.#connection.admitBody();
    const peeked = this.#peeked;
    this.#peeked = undefined;
    if (peeked) sink.onData(peeked);
    // A further peek has already seen enough, and given its bytes back.
    if (!this.#isGivenBack) this.#readOn();
  }

  /** Asked after a call of a sink, which may have changed it. */
  get #isGivenBack(): boolean {
    return this.#state === 'unread';
  }

  pause(): void {
    if (this.#state === 'flowing' && !this.#isReleased) this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'flowing';
    this.#readOn();
  }

  discard(): void {
    if (this.#state === 'over' || this.#state === 'dropping') return;
    this.#sink = undefined;
    this.#peeked = undefined;
    this.#state = 'dropping';
    this.#readOn();
  }

  /**
   * The response has ended, and the next request follows this body, of which little is left: a sink gets the rest at once, also if it has
   * paused. Without a sink it is discarded.
   */
  release(): void {
    this.#isReleased = true;
    if (this.#state === 'unread') this.discard();
    else this.resume();
  }

  /** Reads the bytes of `chunk` that belong to the body. Returns the offset after them. Throws a MessageFault. */
  read(chunk: Buffer, at: number): number {
    const reader = this.#reader;
    let position = at;
    while (position < chunk.length && this.isFlowing && !reader.isComplete) {
      position = reader.advance(chunk, position);
      if (reader.to > reader.from) this.#sink?.onData(chunk.subarray(reader.from, reader.to));
    }
    if (reader.isComplete && this.#peeked === undefined) this.#end();
    return position;
  }

  /** The rest will not arrive. Idempotent. */
  fail(fault: Fault): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#fault = fault;
    this.#sink?.onFailure(fault);
  }

  /** A body that was peeked to its end has no further bytes that would end it. */
  #readOn(): void {
    if (this.#state !== 'paused' && this.#reader.isComplete) this.#end();
    else this.#connection.readOn();
  }

  #end(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#sink?.onEnd();
  }

  #giveBack(content: Buffer): void {
    this.#peeked = content;
    this.#sink = undefined;
    this.isStarted = false;
    this.#state = 'unread';
  }
}

const EMPTY = Buffer.alloc(0);

/** The body of a request; undefined if its head announces none. `maxHeadBytes` also bounds the trailer section. */
export function createClientBody(
  bodyBytes: number,
  { maxHeadBytes, maxHeaders }: { readonly maxHeadBytes: number; readonly maxHeaders: number },
  connection: BodyConnection,
): ClientBody | undefined {
  if (bodyBytes === 0) return undefined;
  const reader = createBodyReader({ bodyBytes, side: 'request', maxTrailerBytes: maxHeadBytes, maxHeaders });
  return new ClientBody(bodyBytes, reader, connection);
}

/** The body of a request that has none. */
export const NO_BODY: BodySource = Object.freeze({
  announcedBytes: 0,
  receivedBytes: 0,
  isComplete: true,
  isStarted: false,
  isAwaited: false,
  fault: undefined,
  trailers: [],
  limit(): void {},
  peek: async () => EMPTY,
  start(sink: BodySink): void {
    sink.onEnd();
  },
  pause(): void {},
  resume(): void {},
  discard(): void {},
});
