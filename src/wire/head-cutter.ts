import { MessageFault, type Side } from './message-fault.ts';

const END = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
const DEL = 0x7f;

export interface HeadCutterOptions {
  readonly side: Side;
  /** Bytes up to the empty line. */
  readonly maxBytes: number;
  /** RFC 9112 2.2: one empty line before a request line is skipped. */
  readonly skipsEmptyLine: boolean;
  /** Throws if the first line is invalid, so such a head is refused before its end has arrived. */
  readonly checkFirstLine?: (line: string) => void;
}

/**
 * Cuts a head (or a trailer section) out of chunks of any size. If one chunk has all of it, which is the usual case, nothing is
 * copied. Of a head in pieces each byte is read and copied once, whatever the size of the pieces.
 */
export class HeadCutter {
  /** Everything before the empty line, in latin1; valid after `push` returned an offset. */
  text = '';
  readonly #options: HeadCutterOptions;
  #held: Buffer | undefined;
  #heldBytes = 0;
  #maySkip: boolean;
  #skippedCr = false;
  #firstLineChecked = false;

  constructor(options: HeadCutterOptions) {
    this.#options = options;
    this.#maySkip = options.skipsEmptyLine;
  }

  /** Bytes of a head have arrived, but not its end. */
  get isPartial(): boolean {
    return this.#heldBytes > 0 || this.#skippedCr;
  }

  /** The received part of the head: all of it once it is complete. */
  get received(): string {
    return this.#held?.toString('latin1', 0, this.#heldBytes) ?? this.text;
  }

  /**
   * Reads bytes of `chunk` from `at`. Returns the offset after the head, which then is in `text`, or -1 if all of the chunk
   * belongs to the head and its end has not arrived. Throws a MessageFault for bytes that cannot be the start of a head.
   */
  push(chunk: Buffer, at: number): number {
    const from = this.#maySkip ? this.#skipEmptyLine(chunk, at) : at;
    if (from >= chunk.length) return -1;
    if (this.#heldBytes > 0) return this.#pushBehind(chunk, from);
    const end = chunk.indexOf(END, from);
    if (end < 0) {
      this.#hold(chunk, from);
      return -1;
    }
    if (end - from > this.#options.maxBytes) this.#refuse('head_too_long');
    this.text = chunk.toString('latin1', from, end);
    this.#reset();
    return end + END.length;
  }

  #skipEmptyLine(chunk: Buffer, at: number): number {
    let from = at;
    if (!this.#skippedCr) {
      if (chunk[from] !== CR) {
        this.#maySkip = from >= chunk.length;
        return from;
      }
      this.#skippedCr = true;
      from++;
      if (from >= chunk.length) return from;
    }
    if (chunk[from] !== LF) this.#refuse('bare_cr');
    this.#maySkip = false;
    this.#skippedCr = false;
    return from + 1;
  }

  /** The end may be split over two chunks. */
  #pushBehind(chunk: Buffer, from: number): number {
    const before = this.#heldBytes;
    // At most the limit is copied; after it the head cannot end.
    const taken = chunk.subarray(from, from + this.#options.maxBytes + END.length - before);
    this.#append(taken);
    const held = this.#held as Buffer; // appended to
    const end = held.subarray(0, this.#heldBytes).indexOf(END, Math.max(0, before - END.length + 1));
    if (end < 0) {
      if (from + taken.length < chunk.length) this.#refuse('head_too_long');
      this.#check(before);
      return -1;
    }
    this.text = held.toString('latin1', 0, end);
    this.#reset();
    return from + end + END.length - before;
  }

  #hold(chunk: Buffer, from: number): void {
    if (chunk.length - from > this.#options.maxBytes + END.length) {
      this.#check(0, chunk.subarray(from));
      this.#refuse('head_too_long');
    }
    this.#append(chunk.subarray(from));
    this.#check(0);
  }

  /** Grows by doubling, so a head that arrives byte by byte is copied a few times, not once per byte. */
  #append(bytes: Buffer): void {
    const needed = this.#heldBytes + bytes.length;
    if (!this.#held || this.#held.length < needed) {
      const larger = Buffer.allocUnsafe(Math.max(1024, needed * 2));
      this.#held?.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#heldBytes);
    this.#heldBytes = needed;
  }

  /** Refuses bytes that cannot be in a head: such a message may never have an empty line, and would wait for the timeout. */
  #check(from: number, bytes = this.#held?.subarray(0, this.#heldBytes) ?? END): void {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number; // within bounds
      if (byte >= 0x20 && byte !== DEL) {
        if (at > 0 && bytes[at - 1] === CR) this.#refuse('bare_cr');
      } else if (byte === LF) {
        if (at === 0 || bytes[at - 1] !== CR) this.#refuse('bare_lf');
      } else if (byte === CR) {
        if (at > 0 && bytes[at - 1] === CR) this.#refuse('bare_cr');
      } else if (byte !== TAB || (at > 0 && bytes[at - 1] === CR)) this.#refuse('control_byte');
    }
    this.#checkFirstLine(from, bytes);
  }

  /** `from`: earlier bytes have already been searched for the end of the line. */
  #checkFirstLine(from: number, bytes: Buffer): void {
    if (this.#firstLineChecked || !this.#options.checkFirstLine) return;
    const end = bytes.indexOf('\r\n', Math.max(0, from - 1));
    if (end < 0) return;
    this.#firstLineChecked = true;
    this.#options.checkFirstLine(bytes.toString('latin1', 0, end));
  }

  #refuse(reason: ConstructorParameters<typeof MessageFault>[0]): never {
    throw new MessageFault(reason, this.#options.side);
  }

  #reset(): void {
    this.#held = undefined;
    this.#heldBytes = 0;
    this.#maySkip = this.#options.skipsEmptyLine;
    this.#firstLineChecked = false;
  }
}
