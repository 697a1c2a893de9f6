import type { BodyReader } from './body-reader.ts';
import { HeadCutter } from './head-cutter.ts';
import { MessageFault, type MessageReason, type Side } from './message-fault.ts';
import { TOKEN } from './message-head.ts';
import { Trailers } from './trailers.ts';

export interface ChunkedReaderOptions {
  readonly side: Side;
  readonly maxTrailerBytes: number;
  readonly maxHeaders: number;
}

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers' | 'end-lf' | 'complete';

/** Of one body, over all of its chunks: no normal client sends any, so more would only cost work. */
const MAX_EXTENSION_BYTES = 4096;

/** 2^53 has 14 digits; a few leading zeros of a size are harmless, an endless number is not. */
const MAX_SIZE_DIGITS = 16;

/** RFC 9112 7.1.1, without optional blanks ("BWS"). */
const EXTENSIONS = new RegExp(
  `^(?:;[${TOKEN}]+(?:=(?:[${TOKEN}]+|"(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"))?)*$`,
);

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

/** Reads a chunked body (RFC 9112 7.1) strictly: it refuses everything that two readers could read differently. */
export class ChunkedReader implements BodyReader {
  from = 0;
  to = 0;
  count = 0;
  maxBytes = 0;
  trailers: readonly string[] = [];
  readonly #options: ChunkedReaderOptions;
  #state: State = 'size';
  /** Of the chunk: the part of its size read so far, then the rest of its content. */
  #size = 0;
  #digits = 0;
  #extension = '';
  #extensionBytes = 0;
  #cutter: HeadCutter | undefined;

  constructor(options: ChunkedReaderOptions) {
    this.#options = options;
  }

  get isComplete(): boolean {
    return this.#state === 'complete';
  }

  advance(chunk: Buffer, at: number): number {
    this.from = at;
    this.to = at;
    let position = at;
    while (position < chunk.length) {
      if (this.#state === 'data') return this.#takeData(chunk, position);
      if (this.#state === 'trailers') return this.#takeTrailers(chunk, position);
      this.#takeByte(chunk[position] as number); // within bounds
      position++;
      if (this.#state === 'complete') return position;
    }
    return position;
  }

  /** Only the last chunk ends it. */
  endConnection(): void {}

  #takeByte(byte: number): void {
    switch (this.#state) {
      case 'size':
        this.#takeSize(byte);
        break;
      case 'extension':
        this.#takeExtension(byte);
        break;
      case 'size-lf':
        if (byte !== LF) this.#refuse('bare_cr');
        this.#beginChunk();
        break;
      case 'data-cr':
        if (byte !== CR) this.#refuse('bad_chunk_end');
        this.#state = 'data-lf';
        break;
      case 'data-lf':
        if (byte !== LF) this.#refuse('bad_chunk_end');
        this.#state = 'size';
        this.#size = 0;
        this.#digits = 0;
        break;
      case 'end-lf':
        if (byte !== LF) this.#refuse('bare_cr');
        this.#state = 'complete';
        break;
    }
  }

  #takeSize(byte: number): void {
    const digit = toDigit(byte);
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit;
      this.#digits++;
      if (this.#digits > MAX_SIZE_DIGITS || this.#size > Number.MAX_SAFE_INTEGER) this.#refuse('chunk_too_long');
      return;
    }
    if (this.#digits === 0) this.#refuse('bad_chunk_size');
    if (byte === CR) this.#state = 'size-lf';
    else if (byte === SEMICOLON) {
      this.#state = 'extension';
      this.#extension = '';
      this.#takeExtension(byte);
    } else this.#refuse('bad_chunk_size');
  }

  #takeExtension(byte: number): void {
    if (byte === CR) {
      if (!EXTENSIONS.test(this.#extension)) this.#refuse('bad_chunk_extension');
      this.#state = 'size-lf';
      return;
    }
    if (byte === LF) this.#refuse('bare_lf');
    this.#extensionBytes++;
    if (this.#extensionBytes > MAX_EXTENSION_BYTES) this.#refuse('extensions_too_long');
    this.#extension += String.fromCharCode(byte);
  }

  /** After its size line. The last chunk, of size 0, has trailers instead of content. */
  #beginChunk(): void {
    this.#state = this.#size === 0 ? 'trailers' : 'data';
    const { maxBytes } = this;
    if (maxBytes > 0 && this.count + this.#size > maxBytes) this.#refuse('body_too_large');
  }

  #takeData(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#size);
    // The limit may have been set within the chunk.
    if (this.maxBytes > 0 && this.count + end - at > this.maxBytes) this.#refuse('body_too_large');
    this.from = at;
    this.to = end;
    this.count += end - at;
    this.#size -= end - at;
    if (this.#size === 0) this.#state = 'data-cr';
    return end;
  }

  #takeTrailers(chunk: Buffer, at: number): number {
    if (!this.#cutter && chunk[at] === CR) {
      this.#state = 'end-lf';
      return at + 1;
    }
    const { side, maxTrailerBytes, maxHeaders } = this.#options;
    this.#cutter ??= new HeadCutter({ side, maxBytes: maxTrailerBytes, skipsEmptyLine: false });
    const end = this.#cutter.push(chunk, at);
    if (end < 0) return chunk.length;
    this.trailers = new Trailers(this.#cutter.text, side, { maxHeaders }).headers;
    this.#state = 'complete';
    return end;
  }

  #refuse(reason: MessageReason): never {
    throw new MessageFault(reason, this.#options.side);
  }
}

/** -1 for a byte that is no hexadecimal digit. */
function toDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
