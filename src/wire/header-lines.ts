import { findHeader } from '../contract/header-list.ts';
import { HeaderTable, isAt } from './header-table.ts';

/** About one connection alone; each connection writes its own (RFC 9110 7.6.1). */
export const OF_CONNECTION = 1;
export const CONNECTION = 2;
export const KEEP_ALIVE = 3;
export const TRANSFER_ENCODING = 4;
export const UPGRADE = 5;
export const EXPECT = 6;
export const TRAILER = 7;
/** Ids up to this one are about one connection. */
export const LAST_OF_CONNECTION = 7;
export const CONTENT_LENGTH = 8;
export const HOST = 9;
export const UNDERSCORE_FRAMING = 10;
/** Ids up to this one frame and route the message. */
export const LAST_OF_FRAMING = 10;
export const DATE = 11;
export const CDN_LOOP = 12;
export const MAX_FORWARDS = 13;
export const CONTENT_TYPE = 14;
export const SECTION_IO_ID = 15;
export const SECTION_IO_TAG = 16;
export const X_REQUEST_ID = 17;
const FIRST_ASKED = 18;

/** Names that code looks up in nearly every request; a flag stores their absence. */
const ASKED = [
  ...['Accept', 'Accept-Encoding', 'Cookie', 'If-Match', 'If-Modified-Since', 'If-None-Match', 'If-Range', 'Range'],
  ...['If-Unmodified-Since', 'Referer', 'True-Client-IP', 'User-Agent', 'X-Forwarded-For', 'X-Forwarded-Proto'],
  ...[
    'Accept-Language',
    'Authorization',
    'EO-Connecting-Geo',
    'EO-Log-UUID',
    'traceparent',
    'X-NF-Geo',
    'X-SCF-Region',
    'X-SCF-Request-Id',
  ],
];

const KNOWN = new HeaderTable({
  'HTTP2-Settings': OF_CONNECTION,
  'Proxy-Authenticate': OF_CONNECTION,
  'Proxy-Authentication-Info': OF_CONNECTION,
  'Proxy-Authorization': OF_CONNECTION,
  'Proxy-Connection': OF_CONNECTION,
  TE: OF_CONNECTION,
  Connection: CONNECTION,
  'Keep-Alive': KEEP_ALIVE,
  'Transfer-Encoding': TRANSFER_ENCODING,
  Upgrade: UPGRADE,
  Expect: EXPECT,
  Trailer: TRAILER,
  'Content-Length': CONTENT_LENGTH,
  Host: HOST,
  Content_Length: UNDERSCORE_FRAMING,
  Transfer_Encoding: UNDERSCORE_FRAMING,
  Date: DATE,
  'CDN-Loop': CDN_LOOP,
  'Max-Forwards': MAX_FORWARDS,
  'Content-Type': CONTENT_TYPE,
  'section-io-id': SECTION_IO_ID,
  'section-io-tag': SECTION_IO_TAG,
  'X-Request-Id': X_REQUEST_ID,
  ...Object.fromEntries(ASKED.map((name, index) => [name, FIRST_ASKED + index])),
});

/**
 * The header lines of a head whose syntax has been checked. One pass stores the positions of the known ones. Everything else is cut out of the text at its first
 * use, and lines that are forwarded unchanged are copied as they are.
 */
export abstract class HeaderLines {
  /** Everything in front of the empty line, in latin1. */
  readonly text: string;
  /** A name has an underscore. */
  hasUnderscoreName = false;
  /** The list is another one than that of the text. */
  isChanged = false;
  /** Where the first line begins. */
  #start = 0;
  /** Of each known line, in order: its id, and its offset. */
  readonly #ids: number[] = [];
  /** A bit for each id below BITS, and for each one above. */
  #low = 0;
  #high = 0;
  readonly #lines: number[] = [];
  /** Offsets of the other lines. */
  readonly #unknown: number[] = [];
  #list: readonly string[] | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** Flat (name, value, name, value), as received: order, case, repeats; values are trimmed, in latin1. */
  get headers(): readonly string[] {
    this.#list ??= this.toReceivedList();
    return this.#list;
  }

  /** The value of a header, by its name in lower case; repeats are joined. Undefined without it. */
  get(name: string): string | undefined {
    const id = KNOWN.idOf(name);
    if (this.isChanged || id === OF_CONNECTION || id === UNDERSCORE_FRAMING) return findHeader(this.headers, name);
    return id === 0 ? this.#unknownValue(name) : this.value(id, name === 'cookie' ? '; ' : ', ');
  }

  /** The same for a name that is not in the table. */
  #unknownValue(name: string): string | undefined {
    const { text } = this;
    let value: string | undefined;
    for (const line of this.#unknown) {
      if (text.charCodeAt(line + name.length) !== COLON || !isAt(text, line, name)) continue;
      const next = this.#valueAt(line);
      value = value === undefined ? next : `${value}, ${next}`;
    }
    return value;
  }

  /** Names, as received, that are not in the table; undefined if the list was replaced. */
  get unknownNames(): readonly string[] | undefined {
    if (this.isChanged) return undefined;
    if (this.#unknown.length === 0) return NO_NAMES;
    const { text } = this;
    return this.#unknown.map((line) => text.slice(line, text.indexOf(':', line)));
  }

  /** The value of a known header other than OF_CONNECTION; repeats are joined. */
  value(id: number, separator = ', '): string | undefined {
    if (!this.has(id)) return undefined;
    const ids = this.#ids;
    let value: string | undefined;
    for (let at = 0; at < ids.length; at++) {
      if (ids[at] !== id) continue;
      const next = this.#valueAt(this.#lines[at] as number); // one for each id
      value = value === undefined ? next : `${value}${separator}${next}`;
    }
    return value;
  }

  /** The values of a known header, one for each line. */
  values(id: number): string[] {
    const values: string[] = [];
    for (const [at, each] of this.#ids.entries()) {
      if (each === id) values.push(this.#valueAt(this.#lines[at] as number)); // one for each id
    }
    return values;
  }

  has(id: number): boolean {
    return (id < BITS ? this.#low & (1 << id) : this.#high & (1 << (id - BITS))) !== 0;
  }

  /** The text from `from` (0: with the first line) on, each line with its end, without the known lines with an id up to `last`. */
  linesBeyond(last: number, from = this.#start): string {
    const { text } = this;
    const ids = this.#ids;
    let lines = '';
    let begin = from;
    for (let at = 0; at < ids.length; at++) {
      if ((ids[at] as number) > last) continue; // within bounds
      const line = this.#lines[at] as number; // one for each id
      lines += text.slice(begin, line);
      begin = this.#endOf(line) + 2;
    }
    return begin < text.length ? `${lines}${text.slice(begin)}\r\n` : lines;
  }

  /** Notes the known lines from `start` on. Returns how many lines there are. */
  protected walk(start: number): number {
    const { text } = this;
    this.#start = start;
    let count = 0;
    let underscore = text.indexOf('_', start);
    for (let line = start; line < text.length; count++) {
      const colon = text.indexOf(':', line);
      const id = KNOWN.idAt(text, line, colon - line);
      if (id === 0) this.#unknown.push(line);
      else {
        if (id < BITS) this.#low |= 1 << id;
        else this.#high |= 1 << (id - BITS);
        this.#ids.push(id);
        this.#lines.push(line);
        if (id <= LAST_OF_FRAMING) this.noteFraming(id, this.#valueAt(line));
      }
      if (underscore >= 0 && underscore < colon) {
        if (underscore < line) underscore = text.indexOf('_', line);
        if (underscore >= 0 && underscore < colon) this.hasUnderscoreName = true;
      }
      line = this.#endOf(colon) + 2;
    }
    return count;
  }

  /** Called in the walk for each line that frames or routes the message, or is about its connection. */
  protected abstract noteFraming(id: number, value: string): void;

  /** All code that reads headers later gets these (flat). The text stays as it is. */
  protected replaceList(list: readonly string[]): void {
    this.#list = list;
    this.isChanged = true;
  }

  /** The headers of the text, as a new list (flat). */
  toReceivedList(): string[] {
    const { text } = this;
    const list: string[] = [];
    for (let line = this.#start; line < text.length; line = this.#endOf(line) + 2) {
      list.push(KNOWN.nameAt(text, line, text.indexOf(':', line) - line), this.#valueAt(line));
    }
    return list;
  }

  #valueAt(line: number): string {
    const { text } = this;
    // Without SP and HTAB at both ends (RFC 9110 5.5).
    let from = text.indexOf(':', line) + 1;
    let to = this.#endOf(from);
    while (from < to && isBlank(text.charCodeAt(from))) from++;
    while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
    return text.slice(from, to);
  }

  #endOf(at: number): number {
    // The syntax has been checked: a CR is only in front of an LF. V8 looks for one character in half of the time.
    const end = this.text.indexOf('\r', at);
    return end < 0 ? this.text.length : end;
  }
}

/**
 * The `headers` of Node's message, from a flat list. Node itself takes three times as long. Undefined for a list of which Node joins or drops a part, because names repeat,
 * or are members of every object.
 */
export function toHeaderObject(flat: readonly string[]): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) {
    const name = KNOWN.lowerNameOf(flat[at] as string); // pairs
    if (headers[name] !== undefined || name === 'set-cookie') return undefined;
    headers[name] = flat[at + 1] as string;
  }
  return headers;
}

const COLON = 0x3a;
/** V8 keeps a number of so many bits without an object. */
const BITS = 30;
const NO_NAMES: readonly string[] = Object.freeze([]);

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
