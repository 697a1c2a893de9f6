import { peerAddressOf } from '../contract/client.ts';
import type { Exchange } from '../contract/exchange.ts';
import { countPasses, type LoopRules, refuseLoop } from '../http/loops.ts';
import { ClientRequest } from '../wire/client-request.ts';
import { passRequestHead } from '../wire/forwarded-head.ts';
import { toRequestHead } from '../wire/head-text.ts';
import { CDN_LOOP } from '../wire/header-lines.ts';

export interface RequestHeaderRules extends LoopRules {
  /** Append the peer to X-Forwarded-For. False: forward it unchanged, as the platform's own modules do. */
  readonly appendForwardedFor: boolean;
}

/**
 * Creates the head that is sent to the hop: all end-to-end headers with their order, case and duplicates. Headers of the client's connection
 * are left out; those that it nominates were removed when the exchange began. Via (RFC 9110 7.6.3), CDN-Loop (RFC 8586) and a created request id are added.
 */
export class RequestHeaders {
  readonly #rules: RequestHeaderRules;
  /** For each minor version of the client: the lines of Via and CDN-Loop. */
  readonly #ownLines: readonly [http10: string, http11: string];

  constructor(rules: RequestHeaderRules) {
    const { name } = rules;
    this.#rules = rules;
    this.#ownLines = [`Via: 1.0 ${name}\r\nCDN-Loop: ${name}\r\n`, `Via: 1.1 ${name}\r\nCDN-Loop: ${name}\r\n`];
  }

  /** The whole head with its empty line. Throws `loop_detected` for a loop, a TypeError for a target or headers of rules that cannot be sent. */
  toHeadText(exchange: Exchange, upgrade?: string): string {
    const { request, requestId } = exchange;
    // Most requests are forwarded as they were received. Their lines are copied in one piece.
    if (request instanceof ClientRequest && !this.#changesLines(exchange)) {
      if (request.has(CDN_LOOP)) refuseLoop(countPasses(request.values(CDN_LOOP), this.#rules.name), this.#rules);
      const ownLines = this.#ownLines[request.minor];
      const added = requestId.made ? `${ownLines}X-Request-Id: ${requestId.value}\r\n` : ownLines;
      const text = passRequestHead(request, { added, upgrade });
      if (text !== undefined) return text;
    }
    const { method, body } = request;
    const headers = this.toList(exchange);
    return toRequestHead({ method, target: exchange.target, headers, bodyBytes: body.announcedBytes, upgrade });
  }

  /** The end-to-end headers for the hop, flat. Throws `loop_detected`. */
  toList(exchange: Exchange): string[] {
    const { headers, method, minor } = exchange.request;
    const { name: ownName, appendForwardedFor } = this.#rules;
    const kept: string[] = [];
    const loops: string[] = [];
    let forwardedForAt = -1;
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at] as string; // pairs
      const value = headers[at + 1] as string;
      const lowerName = name.toLowerCase();
      if (lowerName === 'cdn-loop') loops.push(value);
      if (lowerName === 'x-forwarded-for') forwardedForAt = kept.length + 1;
      kept.push(name, lowerName === 'max-forwards' ? decrement(value, method) : value);
    }
    refuseLoop(countPasses(loops, ownName), this.#rules);
    if (appendForwardedFor) appendPeer(kept, exchange, forwardedForAt);
    kept.push('Via', `1.${minor} ${ownName}`, 'CDN-Loop', ownName);
    const { requestId } = exchange;
    if (requestId.made) kept.push('X-Request-Id', requestId.value);
    return kept;
  }

  #changesLines({ request, target }: Exchange): boolean {
    return this.#rules.appendForwardedFor || request.method === 'OPTIONS' || target !== request.target;
  }
}

/** Max-Forwards is decremented for OPTIONS and has no meaning for other methods except TRACE, which is refused (RFC 9110 7.6.2). */
function decrement(value: string, method: string): string {
  return method === 'OPTIONS' && /^[1-9]\d{0,8}$/.test(value) ? String(Number(value) - 1) : value;
}

/** Appends the peer's address to the last X-Forwarded-For, whose value is at index `valueAt`, or adds the header. */
function appendPeer(headers: string[], exchange: Exchange, valueAt: number): void {
  const peer = peerAddressOf(exchange.socket);
  if (valueAt < 0) headers.push('X-Forwarded-For', peer);
  // For an untrusted peer the header was already replaced by the peer's address.
  else if (exchange.client.trusted) headers[valueAt] = `${headers[valueAt]}, ${peer}`;
}
