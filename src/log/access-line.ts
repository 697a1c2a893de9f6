import type { Exchange } from '../contract/exchange.ts';
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
  // Values that are often the same as in the line before.
  readonly #contentType = new LastText(toText);
  readonly #hostname = new LastText((host) => toText(toHostname(host)));
  readonly #referrer = new LastText(toText);
  readonly #userAgent = new LastText(toText);
  readonly #forwardedProto = new LastText(toText);
  readonly #upstreamAddress = new LastText(toText);
  readonly #sectionTag = new LastText(toText);
  readonly #route = new LastText(toText);
  readonly #target = new LastText(toText);

  constructor({ shortAddresses }: { readonly shortAddresses: boolean }) {
    this.#shortAddresses = shortAddresses;
  }

  /** With the line feed at its end. */
  of(exchange: Exchange): string {
    const { request, response, client, requestId, fault } = exchange;
    const { address } = client; // an IP address or '', so nothing in it needs escaping
    const id = toText(requestId.value);
    // `+` and not a join: its tree of strings is written into a page of bytes at once (log/file.ts), which costs half as much.
    return (
      `{"time":"${this.#now()}","time_taken_s":"${toSeconds(exchange.tookMs)}` +
      `","request":"${request.method} ${toText(exchange.askedTarget)}` +
      `${request.minor === 1 ? ' HTTP/1.1","status":"' : ' HTTP/1.0","status":"'}${statusOf(exchange)}` +
      `","bytes":"${exchange.writtenBytes}` +
      `","response_body_bytes":"${response.sentBytes}` +
      `","content_type":"${this.#contentType.of(exchange.contentType || headerOf(exchange, 'content-type'))}` +
      `","hostname":"${this.#hostname.of(request.host)}` +
      `","referrer":"${this.#referrer.of(request.get('referer'))}` +
      `","useragent":"${this.#userAgent.of(request.get('user-agent'))}` +
      `","http_x_forwarded_proto":"${this.#forwardedProto.of(request.get('x-forwarded-proto'))}` +
      `","remote_addr":"${this.#shortAddresses ? shortAddress(address) : address}` +
      `","upstream_status":"${exchange.upstreamStatus}` +
      `","upstream_addr":"${this.#upstreamAddress.of(exchange.upstreamAddress)}` +
      `","section_io_id":"${requestId.name === 'section-io-id' ? id : ''}` +
      `","section_io_tag":"${this.#sectionTag.of(exchange.sectionTag || headerOf(exchange, 'section-io-tag'))}` +
      `","request_id":"${id}` +
      `","route":"${this.#route.of(exchange.route)}` +
      `","target":"${this.#target.of(exchange.answeredBy)}` +
      `","fault":"${fault ? fault.code : ''}","fault_origin":"${fault ? fault.origin : ''}` +
      `","trace_id":"${traceIdOf(exchange)}"}\n`
    );
  }

  /** ISO 8601 in UTC, with milliseconds. */
  #now(): string {
    const nowMs = Date.now();
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#upToSecond = new Date(second * 1000).toISOString().slice(0, -'000Z'.length);
    }
    return `${this.#upToSecond}${THREE_DIGITS[nowMs % 1000]}Z`;
  }
}

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

/** Converts a value that is often the same as the last time: comparing it costs less than looking at it. */
class LastText {
  readonly #convert: (value: string) => string;
  #value = '';
  #text = '';

  constructor(convert: (value: string) => string) {
    this.#convert = convert;
  }

  of(value = ''): string {
    if (value === '') return '';
    if (value !== this.#value) {
      this.#text = this.#convert(value);
      this.#value = value;
    }
    return this.#text;
  }
}

/** Per UTF-16 unit, so that half a surrogate pair needs no special case. */
function escapeUnit(unit: string): string {
  if (unit === '"' || unit === '\\') return `\\${unit}`;
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
