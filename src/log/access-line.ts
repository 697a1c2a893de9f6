import type { Exchange } from '../contract/exchange.ts';
import { toFlat } from '../contract/flat-text.ts';
import { toHostname } from '../contract/hostname.ts';
import { toTraceContext } from '../contract/trace-context.ts';
import { shortAddress } from './short-address.ts';

/**
 * Longest value of one key, so that 32 KiB of headers per request do not fill the log. In UTF-16
 * units, before escaping.
 */
const LONGEST_FIELD = 4096;

/**
 * The client closed the connection before a status was sent (nginx's convention, which the
 * platform's metrics use).
 */
const CLIENT_LEFT_STATUS = 499;

/** `000` to `999`: a look-up takes a third of the time of padding. */
const THREE_DIGITS: readonly string[] = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, '0'));

/**
 * Creates the access line of a finished exchange: one JSON object with the platform's keys; all
 * values are strings.
 *
 * It concatenates strings, because this is the hot path and the keys are constant. A line is ASCII
 * for any input: all other characters are escaped, so that no client can forge a second line or
 * send control codes to a terminal.
 */
export class AccessLine {
  readonly #shortAddresses: boolean;
  /** The second of `#upToSecond`, which is cached because Date's formatting is slow. */
  #second = 0;
  #upToSecond = '';
  /** Neighbours in the line that are often the same as in the line before. */
  readonly #client = new LastText();
  readonly #upstream = new LastText();
  readonly #tag = new LastText();
  readonly #answered = new LastText();

  constructor({ shortAddresses }: { readonly shortAddresses: boolean }) {
    this.#shortAddresses = shortAddresses;
  }

  /** With the line feed at its end. */
  of(exchange: Exchange): string {
    const { request, response, requestId } = exchange;
    const id = toText(requestId.value);
    // `+` and not a join: its tree of strings is written into a page of bytes at once (log/file.ts). Each leaf of the tree costs time, so there are few.
    return (
      `${this.#now()}${toSeconds(exchange.tookMs)}","request":"${request.method} ${toText(exchange.askedTarget)}` +
      `${request.minor === 1 ? ' HTTP/1.1","status":"' : ' HTTP/1.0","status":"'}${statusOf(exchange)}` +
      `","bytes":"${exchange.writtenBytes}","response_body_bytes":"${response.sentBytes}` +
      `${this.#clientOf(exchange)}${this.#upstreamOf(exchange)}${requestId.name === 'section-io-id' ? id : ''}` +
      `${this.#tagOf(exchange)}${id}${this.#answeredOf(exchange)}${traceIdOf(exchange)}"}\n`
    );
  }

  #clientOf(exchange: Exchange): string {
    const { request, client } = exchange;
    const { address } = client; // an IP address or '', so nothing in it needs escaping
    const type = exchange.contentType || headerOf(exchange, 'content-type');
    const { host = '' } = request;
    const referrer = request.get('referer') ?? '';
    const userAgent = request.get('user-agent') ?? '';
    const proto = request.get('x-forwarded-proto') ?? '';
    const last = this.#client;
    if (last.isOf(type, host, referrer, userAgent, proto, address)) return last.text;
    return last.set(
      `","content_type":"${toText(type)}","hostname":"${toText(toHostname(host))}","referrer":"${toText(referrer)}` +
        `","useragent":"${toText(userAgent)}","http_x_forwarded_proto":"${toText(proto)}` +
        `","remote_addr":"${this.#shortAddresses ? shortAddress(address) : address}`,
    );
  }

  #upstreamOf({ upstreamStatus, upstreamAddress }: Exchange): string {
    const last = this.#upstream;
    if (last.isOf(upstreamStatus, upstreamAddress)) return last.text;
    return last.set(
      `","upstream_status":"${upstreamStatus}","upstream_addr":"${toText(upstreamAddress)}","section_io_id":"`,
    );
  }

  #tagOf(exchange: Exchange): string {
    const tag = exchange.sectionTag || headerOf(exchange, 'section-io-tag');
    const last = this.#tag;
    return last.isOf(tag) ? last.text : last.set(`","section_io_tag":"${toText(tag)}","request_id":"`);
  }

  #answeredOf({ route, answeredBy, fault }: Exchange): string {
    const [code, origin] = fault ? [fault.code, fault.origin] : NO_FAULT;
    const last = this.#answered;
    if (last.isOf(route, answeredBy, code, origin)) return last.text;
    return last.set(
      `","route":"${toText(route)}","target":"${toText(answeredBy)}` +
        `","fault":"${code}","fault_origin":"${origin}","trace_id":"`,
    );
  }

  /** The begin of the line. ISO 8601 in UTC, with milliseconds. */
  #now(): string {
    const nowMs = Date.now();
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      const upToSecond = new Date(second * 1000).toISOString().slice(0, -'000Z'.length);
      this.#upToSecond = toFlat(`{"time":"${upToSecond}`);
    }
    return `${this.#upToSecond}${THREE_DIGITS[nowMs % 1000]}Z","time_taken_s":"`;
  }
}

const NO_FAULT = ['', ''] as const;

/**
 * In seconds with microseconds: a function often answers in less than the millisecond of nginx's
 * logs.
 */
function toSeconds(ms: number): string {
  const micros = Math.round(ms * 1000);
  const millis = Math.floor(micros / 1000);
  return `${Math.floor(millis / 1000)}.${THREE_DIGITS[millis % 1000]}${THREE_DIGITS[micros % 1000]}`;
}

/** The status that was sent, or would have been sent. */
function statusOf({ response, fault }: Exchange): number {
  if (response.isHeadWritten) return response.status;
  return fault?.status ?? CLIENT_LEFT_STATUS;
}

/**
 * A response header that an app has set on Node's response. Other targets store it on the exchange.
 */
function headerOf(exchange: Exchange, name: string): string {
  const value = exchange.hasNode ? exchange.node.response.getHeader(name) : undefined;
  return value === undefined ? '' : String(value);
}

/** That of a valid `traceparent`, if no tracer made another one. */
function traceIdOf({ traceId, request }: Exchange): string {
  if (traceId !== '') return traceId;
  const header = request.get('traceparent');
  return header === undefined ? '' : (toTraceContext(header)?.traceId ?? '');
}

/** All characters but visible ASCII and space, and `"` and `\`. */
const UNFIT = /[^ !#-[\]-~]/;
const EACH_UNFIT = /[^ !#-[\]-~]/g;

/** The content of a JSON string. */
function toText(value: string): string {
  let fit = value;
  if (fit.length > LONGEST_FIELD) fit = fit.slice(0, LONGEST_FIELD);
  return UNFIT.test(fit) ? fit.replace(EACH_UNFIT, escapeUnit) : fit;
}

/** A text made of values that are often the same as the last time: comparing them costs less than making the text again. */
class LastText {
  #a = '';
  #b = '';
  #c = '';
  #d = '';
  #e = '';
  #f = '';
  #text = '';
  #isFlat = true;

  /** Whether `text` is made of these values. If not, call `set` with one that is. */
  isOf(a: string, b = '', c = '', d = '', e = '', f = ''): boolean {
    const isSame = a === this.#a && b === this.#b && c === this.#c && d === this.#d && e === this.#e && f === this.#f;
    if (isSame && this.#text !== '') return true;
    [this.#a, this.#b, this.#c, this.#d, this.#e, this.#f] = [a, b, c, d, e, f];
    return false;
  }

  get text(): string {
    if (!this.#isFlat) {
      this.#text = toFlat(this.#text);
      this.#isFlat = true;
    }
    return this.#text;
  }

  set(text: string): string {
    this.#text = text;
    this.#isFlat = false;
    return text;
  }
}

/** Per UTF-16 unit, so that half a surrogate pair needs no special case. */
function escapeUnit(unit: string): string {
  if (unit === '"' || unit === '\\') return `\\${unit}`;
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
