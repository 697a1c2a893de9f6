import {
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  HeaderLines,
  HOST,
  KEEP_ALIVE,
  TRANSFER_ENCODING,
  UNDERSCORE_FRAMING,
  UPGRADE,
} from './header-lines.ts';
import { joinValues, listHas } from './header-table.ts';
import { MessageFault, type MessageReason, type Side } from './message-fault.ts';

/** Characters of a token (RFC 9110 5.6.2), for a character class. */
export const TOKEN = "!#$%&'*+\\-.^_`|~0-9A-Za-z";

/**
 * Header lines, each with the CRLF in front of it. The repetition inside the group is no danger: a line
 * ends only at CR, which neither class holds, so there is one way to match any text.
 */
export const HEADER_LINES = `(?:\\r\\n[${TOKEN}]+:[\\t -~\\x80-\\xff]*)*`;

/** `bodyBytes` of a message whose body is chunked. */
export const CHUNKED = -1;

export interface HeadLimits {
  /** Most header lines. */
  readonly maxHeaders: number;
}

/** What the heads of requests and responses have in common. */
export abstract class MessageHead extends HeaderLines {
  readonly #side: Side;
  /** HTTP/1.`minor`. */
  readonly minor: 0 | 1;
  /** Bytes of the body; CHUNKED: the body says where it ends. */
  bodyBytes = 0;
  /** As sent; undefined without the header. Repeated headers are joined. */
  connection: string | undefined;
  /** Of a request: the host and port that it is for. */
  host: string | undefined;
  protected contentLength: string | undefined;
  protected transferEncoding: string | undefined;
  protected expect: string | undefined;
  protected upgradeTo: string | undefined;
  protected keepAlive: string | undefined;

  constructor(side: Side, text: string, minor: 0 | 1) {
    super(text);
    this.#side = side;
    this.minor = minor;
  }

  /** Whether the other side lets the connection stay open after this message (RFC 9112 9.3). */
  get keepsAlive(): boolean {
    const { connection } = this;
    if (connection === undefined) return this.minor === 1;
    if (listHas(connection, 'close')) return false;
    return this.minor === 1 || listHas(connection, 'keep-alive');
  }

  protected refuse(reason: MessageReason): never {
    throw new MessageFault(reason, this.#side);
  }

  /** Reads the header lines of the text from `start` on. Their syntax has been checked. */
  protected read(start: number, { maxHeaders }: HeadLimits): void {
    if (this.walk(start) > maxHeaders) this.refuse('too_many_headers');
  }

  protected noteFraming(id: number, value: string): void {
    switch (id) {
      case HOST:
        if (this.host !== undefined && this.#side === 'request') this.refuse('two_hosts');
        this.host = value;
        break;
      case CONTENT_LENGTH:
        // RFC 9112 6.3 allows to accept equal values; llhttp and nginx refuse them, and no normal client sends them.
        if (this.contentLength !== undefined) this.refuse('two_lengths');
        this.contentLength = value;
        break;
      case TRANSFER_ENCODING:
        this.transferEncoding = joinValues(this.transferEncoding, value);
        break;
      case CONNECTION:
        this.connection = joinValues(this.connection, value);
        break;
      case EXPECT:
        this.expect = joinValues(this.expect, value);
        break;
      case UPGRADE:
        this.upgradeTo = joinValues(this.upgradeTo, value);
        break;
      case KEEP_ALIVE:
        this.keepAlive = joinValues(this.keepAlive, value);
        break;
      case UNDERSCORE_FRAMING:
        // CGI and WSGI read "_" and "-" as the same: such an origin would frame the body by this header, and we would not.
        if (this.#side === 'request') this.refuse('underscore_framing');
        break;
    }
  }

  /** What the framing headers announce (RFC 9112 6.3); undefined if there are none. Refuses what two readers may read differently. */
  protected announcedBytes(): number | undefined {
    const { contentLength, transferEncoding } = this;
    if (transferEncoding === undefined) return contentLength === undefined ? undefined : this.#toLength(contentLength);
    if (contentLength !== undefined) this.refuse('length_and_coding');
    // RFC 9112 6.1: an HTTP/1.0 message with it has faulty framing.
    if (this.minor === 0) this.refuse('coding_in_1_0');
    if (transferEncoding !== 'chunked' && transferEncoding.toLowerCase() !== 'chunked') {
      // In any place but the last, chunks do not say where the message ends; before another coding its payload would be lost.
      this.refuse(listHas(transferEncoding.replace(/,[^,]*$/, ''), 'chunked') ? 'chunked_not_last' : 'unknown_coding');
    }
    // llhttp does not take a tab off a coding: to it these bytes are no chunks.
    if (CODING_WITH_TAB.test(this.text)) this.refuse('chunked_not_last');
    return CHUNKED;
  }

  #toLength(digits: string): number {
    const length = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
    if (!Number.isSafeInteger(length)) this.refuse('bad_length');
    return length;
  }
}

const CODING_WITH_TAB = /\r\ntransfer-encoding:[^\r]*[^\r\t ] *\t/i;

/** Says why header lines do not match HEADER_LINES; undefined if they do. `text` begins with the CRLF before the first line. */
export function findBadLine(text: string): MessageReason | undefined {
  for (let from = 2; from <= text.length && text.length > 0; ) {
    let end = text.indexOf('\r\n', from);
    if (end < 0) end = text.length;
    const reason = findBadName(text.slice(from, end));
    if (reason) return reason;
    from = end + 2;
  }
  return undefined;
}

const BAD_BYTE = /[\0-\x08\x0a-\x1f\x7f]/;
const NAME = new RegExp(`^[${TOKEN}]+$`);

function findBadName(line: string): MessageReason | undefined {
  if (line.includes('\r')) return 'bare_cr';
  if (line.includes('\n')) return 'bare_lf';
  if (BAD_BYTE.test(line)) return 'control_byte';
  if (line.startsWith(' ') || line.startsWith('\t')) return 'folded_line';
  const colon = line.indexOf(':');
  if (colon < 0) return 'no_colon';
  if (colon === 0) return 'empty_name';
  const name = line.slice(0, colon);
  if (/[ \t]$/.test(name)) return 'space_before_colon';
  return NAME.test(name) ? undefined : 'bad_name';
}
