import type { Exchange } from '../contract/exchange.ts';
import type { ExternalOrigins, ExternalRequest } from '../contract/external-origins.ts';
import type { Outcome } from '../contract/target.ts';
import { toEndToEnd } from '../wire/connection-headers.ts';
import { ExternalHosts } from './external-hosts.ts';
import type { ExternalPools } from './external-pools.ts';
import type { RequestHeaders } from './request-headers.ts';

export interface ExternalServersParts {
  /** The hosts that rules may name; empty: every host. */
  readonly hosts: readonly string[];
  readonly requestHeaders: RequestHeaders;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** The servers that rules of the site name. Nothing is loaded and no connection is opened before the first request to one of them. */
export class ExternalServers implements ExternalOrigins {
  readonly #parts: ExternalServersParts;
  readonly #hosts: ExternalHosts;
  #pools: Promise<ExternalPools> | undefined;

  constructor(parts: ExternalServersParts) {
    this.#parts = parts;
    this.#hosts = new ExternalHosts(parts.hosts);
  }

  findObstacle(origin: string): string | undefined {
    const host = URL.parse(origin)?.hostname;
    return host === undefined ? 'it is no URL' : this.#hosts.findObstacle(host);
  }

  async forward(exchange: Exchange, request: ExternalRequest): Promise<Outcome> {
    const headers = toEndToEnd(this.#parts.requestHeaders.toList(exchange), undefined);
    this.#pools ??= this.#load();
    return (await this.#pools).forward(exchange, request, headers);
  }

  /** Closes every connection. Requests in flight fail. */
  async close(): Promise<void> {
    await (await this.#pools)?.close();
  }

  async #load(): Promise<ExternalPools> {
    const { ExternalPools: Pools } = await import('./external-pools.ts');
    return new Pools({ ...this.#parts, hosts: this.#hosts });
  }
}
