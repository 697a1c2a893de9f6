import { type LookupOptions, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Pool } from 'undici';
import type { Exchange } from '../contract/exchange.ts';
import type { ExternalRequest } from '../contract/external-origins.ts';
import type { Outcome } from '../contract/target.ts';
import { withoutNames } from '../http/headers.ts';
import { ExternalForward } from './external-forward.ts';
import type { ExternalHosts } from './external-hosts.ts';

export interface ExternalPoolsParts {
  readonly hosts: ExternalHosts;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** The platform's limit for the head of a response. */
const HEAD_MS = 26_000;

/** Most connections to one origin. */
const CONNECTIONS = 64;

/** One pool of connections for each origin. */
export class ExternalPools {
  readonly #parts: ExternalPoolsParts;
  readonly #pools = new Map<string, Pool>();

  constructor(parts: ExternalPoolsParts) {
    this.#parts = parts;
  }

  /** `headers`: of the client's request, flat. */
  forward(
    exchange: Exchange,
    { origin, target, headers: own }: ExternalRequest,
    headers: readonly string[],
  ): Promise<Outcome> {
    const { host } = new URL(origin);
    const replaced = new Set(['host', ...own.map(([name]) => name.toLowerCase())]);
    const sent = ['Host', host, ...withoutNames(headers, replaced), ...own.flat()];
    return new ExternalForward(exchange, this.#poolOf(origin), { origin, target, headers: sent }).settled;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  #poolOf(origin: string): Pool {
    const known = this.#pools.get(origin);
    if (known) return known;
    const { connectTimeoutMs, idleTimeoutMs } = this.#parts;
    const pool = new Pool(origin, {
      connect: { lookup: this.#lookup, timeout: connectTimeoutMs },
      connections: CONNECTIONS,
      headersTimeout: HEAD_MS,
      bodyTimeout: idleTimeoutMs,
    });
    this.#pools.set(origin, pool);
    return pool;
  }

  /** Not called for hosts that are addresses. */
  readonly #lookup: LookupFunction = (host, options: LookupOptions, done) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      const allowed = error ? [] : addresses.filter(({ address }) => this.#parts.hosts.mayLeadTo(host, address));
      const [first] = allowed;
      if (!first) done(error ?? new Error(`${host} leads to a private address; PROXY_HOSTS may allow it`), '', 0);
      else if (options.all) done(null, allowed);
      else done(null, first.address, first.family);
    });
  };
}
