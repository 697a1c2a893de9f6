import { MessageFault, type MessageReason } from './message-fault.ts';
import { CHUNKED, findBadLine, HEADER_LINES, type HeadLimits, MessageHead } from './message-head.ts';

export interface ResponseHeadRules extends HeadLimits {
  /** Of the request that it answers: a HEAD has no body. */
  readonly method: string;
}

/** `bodyBytes` of a response that ends with its connection. */
export const UNTIL_CLOSE = -2;

/** The space before an empty reason may be missing (llhttp, nginx and browsers accept that). */
const FIRST_PART = 'HTTP/1\\.[01] [1-9]\\d\\d(?: [\\t -~\\x80-\\xff]*)?';
const WHOLE = new RegExp(`^${FIRST_PART}${HEADER_LINES}$`);
const FIRST_LINE = new RegExp(`^${FIRST_PART}$`);
const MINOR_AT = 'HTTP/1.'.length;
const STATUS_AT = 'HTTP/1.1 '.length;
const REASON_AT = 'HTTP/1.1 200 '.length;

export { CHUNKED };

/** The complete and valid head of a response. */
export class ResponseHead extends MessageHead {
  readonly status: number;
  /** In latin1; may be empty. */
  readonly reason: string;

  /** `text`: everything before the empty line, in latin1. Throws a MessageFault, always `hop_bad_answer`. */
  constructor(text: string, rules: ResponseHeadRules) {
    if (!WHOLE.test(text)) throw new MessageFault(findFault(text), 'response');
    super('response', text, text.charCodeAt(MINOR_AT) === 0x30 ? 0 : 1);
    let lineEnd = text.indexOf('\r\n');
    if (lineEnd < 0) lineEnd = text.length;
    this.status = Number(text.slice(STATUS_AT, STATUS_AT + 3));
    this.reason = text.slice(REASON_AT, lineEnd);
    this.read(lineEnd + 2, rules);
    const announced = this.announcedBytes();
    this.bodyBytes = isBodiless(rules.method, this.status) ? 0 : (announced ?? UNTIL_CLOSE);
  }

  /** The Content-Length of the response, also if it has no body (HEAD, 304); -1 without one. */
  get announcedLength(): number {
    return this.contentLength === undefined ? -1 : Number(this.contentLength);
  }

  /** Seconds for which the other side keeps the idle connection (`Keep-Alive: timeout=5`); undefined without that header. */
  get keepAliveSeconds(): number | undefined {
    const [, seconds] = (this.keepAlive && /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,9})/i.exec(this.keepAlive)) || [];
    return seconds === undefined ? undefined : Number(seconds);
  }
}

/** RFC 9112 6.3: such a response has no body, whatever its headers say. */
export function isBodiless(method: string, status: number): boolean {
  return method === 'HEAD' || status < 200 || status === 204 || status === 304;
}

/** Whether a status line is valid: an invalid one is refused before its whole head has arrived. */
export function checkStatusLine(line: string): void {
  if (!FIRST_LINE.test(line)) throw new MessageFault(findFault(line), 'response');
}

function findFault(text: string): MessageReason {
  let lineEnd = text.indexOf('\r\n');
  if (lineEnd < 0) lineEnd = text.length;
  return findBadStatusLine(text.slice(0, lineEnd)) ?? findBadLine(text.slice(lineEnd)) ?? 'bad_status_line';
}

function findBadStatusLine(line: string): MessageReason | undefined {
  if (line.includes('\r')) return 'bare_cr';
  if (line.includes('\n')) return 'bare_lf';
  if (/^HTTP\/\d\.\d /.test(line) && !/^HTTP\/1\.[01] /.test(line)) return 'unsupported_version';
  if (!/^HTTP\/1\.[01] \d\d\d(?: |$)/.test(line)) return 'bad_status_line';
  if (line.charCodeAt(STATUS_AT) === 0x30) return 'bad_status';
  return FIRST_LINE.test(line) ? undefined : 'control_byte';
}
