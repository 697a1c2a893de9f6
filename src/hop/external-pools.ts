import { type LookupOptions, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Pool } from 'undici';
import type { Exchange } from '../contract/exchange.ts';
import type { DownloadRequest, ExternalRequest } from '../contract/external-origins.ts';
import type { WholeAnswer } from '../contract/site-requests.ts';
import type { Outcome } from '../contract/target.ts';
import { withoutNames } from '../http/headers.ts';
import { ExternalDownload } from './external-download.ts';
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

/** Origins of downloads whose connections are kept. Clients choose the origins. */
const DOWNLOAD_ORIGINS = 64;

/** One pool of connections for each origin. */
export class ExternalPools {
  readonly #parts: ExternalPoolsParts;
  readonly #pools = new Map<string, Pool>();
  /** The one used last is the last. */
  readonly #downloadPools = new Map<string, Pool>();

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

  /** `headers`: flat. */
  download({ url, limitBytes }: DownloadRequest, headers: readonly string[]): Promise<WholeAnswer> {
    const { origin, host, pathname, search } = url;
    const download = new ExternalDownload(origin, limitBytes);
    const sent = ['Host', host, ...headers];
    this.#downloadPoolOf(origin).dispatch({ path: pathname + search, method: 'GET', headers: sent }, download);
    return download.settled;
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values(), ...this.#downloadPools.values()];
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #poolOf(origin: string): Pool {
    const pool = this.#pools.get(origin) ?? this.#createPool(origin);
    this.#pools.set(origin, pool);
    return pool;
  }

  #downloadPoolOf(origin: string): Pool {
    const pool = this.#downloadPools.get(origin) ?? this.#createPool(origin);
    this.#downloadPools.delete(origin);
    this.#downloadPools.set(origin, pool);
    const [oldest] = this.#downloadPools;
    if (oldest && this.#downloadPools.size > DOWNLOAD_ORIGINS) {
      this.#downloadPools.delete(oldest[0]);
      // Its requests in flight end first.
      void oldest[1].close();
    }
    return pool;
  }

  #createPool(origin: string): Pool {
    const { connectTimeoutMs, idleTimeoutMs } = this.#parts;
    return new Pool(origin, {
      connect: { lookup: this.#lookup, timeout: connectTimeoutMs },
      connections: CONNECTIONS,
      headersTimeout: HEAD_MS,
      bodyTimeout: idleTimeoutMs,
    });
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
