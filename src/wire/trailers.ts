import { MessageFault, type Side } from './message-fault.ts';
import { findBadLine, HEADER_LINES, type HeadLimits, MessageHead } from './message-head.ts';

const WHOLE = new RegExp(`^${HEADER_LINES}$`);

/** The trailer section of a chunked body. */
export class Trailers extends MessageHead {
  /** `text`: the lines without the empty one at the end. Throws a MessageFault. */
  constructor(text: string, side: Side, limits: HeadLimits) {
    const lines = `\r\n${text}`;
    if (!WHOLE.test(lines)) throw new MessageFault(findBadLine(lines) ?? 'bad_name', side);
    super(side, lines, 1);
    this.read(2, limits);
    // RFC 9110 6.5.1: a reader that merges trailers into the head would frame or route the message by them.
    const { contentLength, transferEncoding, host } = this;
    if (contentLength !== undefined || transferEncoding !== undefined || host !== undefined) {
      this.refuse('framing_in_trailers');
    }
  }
}

/** What only a head may carry: framing, routing, authentication and what says how to read the content (RFC 9110 6.5.1). */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'max-forwards',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
]);

/** The trailers (flat) that may be passed on. */
export function toPassedTrailers(trailers: readonly string[]): string[] {
  const passed: string[] = [];
  for (let at = 0; at < trailers.length; at += 2) {
    const name = trailers[at] as string; // pairs
    if (!NOT_IN_TRAILERS.has(name.toLowerCase())) passed.push(name, trailers[at + 1] as string);
  }
  return passed;
}
