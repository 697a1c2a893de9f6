import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { ClientRequest } from '../wire/client-request.ts';
import { nominatedBy } from '../wire/connection-headers.ts';
import { passRequestHead } from '../wire/forwarded-head.ts';
import { toRequestHead } from '../wire/head-text.ts';
import { CDN_LOOP } from '../wire/header-lines.ts';

export interface RequestHeaderRules {
  /** This module's name in Via and CDN-Loop. */
  readonly name: string;
  /** A request that already passed modules of this name so many times is a loop. */
  readonly loopLimit: number;
  /** Append the peer to X-Forwarded-For. False: forward it unchanged, as the platform's own modules do. */
  readonly appendForwardedFor: boolean;
}

/**
 * Creates the head that is sent to the hop: all end-to-end headers with their order, case and duplicates. Headers of the client's connection
 * are left out. Via (RFC 9110 7.6.3), CDN-Loop (RFC 8586) and a created request id are added.
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
      const loops = request.has(CDN_LOOP) ? this.#countLoops(request.values(CDN_LOOP)) : 0;
      this.#refuseLoop(loops);
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
    const { headers, connection, method, minor } = exchange.request;
    const { name: ownName, appendForwardedFor } = this.#rules;
    const nominated = connection === undefined ? undefined : nominatedBy(connection);
    const kept: string[] = [];
    const loops: string[] = [];
    let forwardedForAt = -1;
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at] as string; // pairs
      const value = headers[at + 1] as string;
      const lowerName = name.toLowerCase();
      if (nominated?.has(lowerName)) continue;
      if (lowerName === 'cdn-loop') loops.push(value);
      if (lowerName === 'x-forwarded-for') forwardedForAt = kept.length + 1;
      kept.push(name, lowerName === 'max-forwards' ? decrement(value, method) : value);
    }
    this.#refuseLoop(this.#countLoops(loops));
    if (appendForwardedFor) appendPeer(kept, exchange, forwardedForAt);
    kept.push('Via', `1.${minor} ${ownName}`, 'CDN-Loop', ownName);
    const { requestId } = exchange;
    if (requestId.made) kept.push('X-Request-Id', requestId.value);
    return kept;
  }

  #changesLines({ request, target }: Exchange): boolean {
    return this.#rules.appendForwardedFor || request.method === 'OPTIONS' || target !== request.target;
  }

  #countLoops(values: readonly string[]): number {
    let count = 0;
    for (const value of values) count += countCdnLoop(value, this.#rules.name);
    return count;
  }

  #refuseLoop(passes: number): void {
    const { name, loopLimit } = this.#rules;
    if (passes < loopLimit) return;
    throw new Fault('loop_detected', {
      message: `the request already passed ${name} ${passes} times; NEXT_HOP may lead back to this server`,
    });
  }
}

/** Max-Forwards is decremented for OPTIONS and has no meaning for other methods except TRACE, which is refused (RFC 9110 7.6.2). */
function decrement(value: string, method: string): string {
  return method === 'OPTIONS' && /^[1-9]\d{0,8}$/.test(value) ? String(Number(value) - 1) : value;
}

/** Appends the peer's address to the last X-Forwarded-For, whose value is at index `valueAt`, or adds the header. */
function appendPeer(headers: string[], exchange: Exchange, valueAt: number): void {
  const peer = exchange.peerAddress;
  if (valueAt < 0) headers.push('X-Forwarded-For', peer);
  // For an untrusted peer the header was already replaced by the peer's address.
  else if (exchange.client.trusted) headers[valueAt] = `${headers[valueAt]}, ${peer}`;
}

/**
 * How often a CDN-Loop value names `id`: an entry is an id and its parameters, which may hold commas and semicolons in quotes and do not count
 * (RFC 8586 2).
 */
function countCdnLoop(value: string, id: string): number {
  if (!value.includes(id)) return 0;
  let count = 0;
  for (const entry of toEntries(value)) {
    const semicolon = entry.indexOf(';');
    if ((semicolon < 0 ? entry : entry.slice(0, semicolon)).trim() === id) count++;
  }
  return count;
}

/** A quote that is not closed is no quote: it would hide the entries that proxies add after it, and with them the loop. */
function toEntries(value: string): string[] {
  const entries: string[] = [];
  let from = 0;
  let isQuoted = false;
  for (let at = 0; at < value.length; at++) {
    const character = value[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted && character === '\\') at++;
    else if (!isQuoted && character === ',') {
      entries.push(value.slice(from, at));
      from = at + 1;
    }
  }
  if (isQuoted) return value.split(',');
  entries.push(value.slice(from));
  return entries;
}
