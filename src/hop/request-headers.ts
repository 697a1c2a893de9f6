import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { HOP_BY_HOP, joinValues, NameTable, withoutNominated } from '../http/headers.ts';

export interface RequestHeaderRules {
  /** This module's name in Via and CDN-Loop. */
  readonly name: string;
  /** A request that already passed modules of this name so many times is a loop. */
  readonly loopLimit: number;
  /**
   * Append the peer to X-Forwarded-For. False: forward it unchanged, as the platform's own modules
   * do.
   */
  readonly appendForwardedFor: boolean;
}

type Role = 'end-to-end' | 'hop-by-hop' | 'connection' | 'cdn-loop' | 'x-forwarded-for' | 'max-forwards';

const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  ...[...HOP_BY_HOP].map((name) => [name, 'hop-by-hop'] as const),
  ['connection', 'connection'],
  ['cdn-loop', 'cdn-loop'],
  ['x-forwarded-for', 'x-forwarded-for'],
  ['max-forwards', 'max-forwards'],
]);

/**
 * Creates the headers that are sent to the hop: all end-to-end headers with their order, case and
 * duplicates. Headers of the client's connection are left out. Via (RFC 9110 7.6.3), CDN-Loop (RFC
 * 8586) and a created request id are added.
 */
export class RequestHeaders {
  readonly #roles = new NameTable<Role>(ROLES, 'end-to-end');
  readonly #rules: RequestHeaderRules;
  readonly #via: Readonly<Record<string, string>>;

  constructor(rules: RequestHeaderRules) {
    this.#rules = rules;
    this.#via = { '1.1': `1.1 ${rules.name}`, '1.0': `1.0 ${rules.name}` };
  }

  /** Returns flat headers: name, value, name, value. Throws `loop_detected` for a loop. */
  toHop(exchange: Exchange): string[] {
    const { rawHeaders } = exchange.request;
    const fields: string[] = [];
    let connection: string | undefined;
    let passes = 0;
    let forwardedForAt = -1;
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] as string; // rawHeaders holds pairs
      let value = rawHeaders[at + 1] as string;
      switch (this.#roles.get(name)) {
        case 'hop-by-hop':
          continue;
        case 'connection':
          connection = joinValues(connection, value);
          continue;
        case 'cdn-loop':
          passes += this.#countPasses(value);
          break;
        case 'x-forwarded-for':
          forwardedForAt = fields.length + 1;
          break;
        case 'max-forwards':
          value = decrement(value, exchange.request.method);
          break;
      }
      fields.push(name, value);
    }
    if (passes >= this.#rules.loopLimit) {
      throw new Fault('loop_detected', {
        message: `the request already passed ${this.#rules.name} ${passes} times; NEXT_HOP may lead back to this server`,
      });
    }
    const kept = withoutNominated(fields, connection);
    if (this.#rules.appendForwardedFor)
      appendForwardedFor(kept, exchange, kept === fields ? forwardedForAt : indexOfForwardedFor(kept));
    kept.push(
      'Via',
      this.#via[exchange.request.httpVersion] ?? `1.1 ${this.#rules.name}`,
      'CDN-Loop',
      this.#rules.name,
    );
    if (exchange.requestId.made) kept.push('X-Request-Id', exchange.requestId.value);
    return kept;
  }

  /**
   * Counts this module's name in a CDN-Loop value. Parameters of an entry are ignored (RFC 8586 2).
   */
  #countPasses(value: string): number {
    let count = 0;
    for (const entry of value.split(',')) {
      const semicolon = entry.indexOf(';');
      if ((semicolon < 0 ? entry : entry.slice(0, semicolon)).trim() === this.#rules.name) count++;
    }
    return count;
  }
}

/**
 * Max-Forwards is decremented for OPTIONS and has no meaning for other methods except TRACE, which
 * is refused (RFC 9110 7.6.2).
 */
function decrement(value: string, method: string | undefined): string {
  return method === 'OPTIONS' && /^[1-9]\d{0,8}$/.test(value) ? String(Number(value) - 1) : value;
}

function indexOfForwardedFor(fields: readonly string[]): number {
  return fields.findLastIndex((name, at) => at % 2 === 0 && name.toLowerCase() === 'x-forwarded-for') + 1 || -1;
}

/**
 * Appends the peer's address to the last X-Forwarded-For, whose value is at index `valueAt`, or
 * adds the header.
 */
function appendForwardedFor(fields: string[], exchange: Exchange, valueAt: number): void {
  const peer = exchange.peerAddress;
  if (valueAt < 0) fields.push('X-Forwarded-For', peer);
  // For an untrusted peer the header was already replaced by the peer's address.
  else if (exchange.client.trusted) fields[valueAt] = `${fields[valueAt]}, ${peer}`;
}
