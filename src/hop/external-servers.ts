import type { Exchange } from '../contract/exchange.ts';
import type { DownloadRequest, ExternalOrigins, ExternalRequest } from '../contract/external-origins.ts';
import { Fault } from '../contract/fault.ts';
import type { WholeAnswer } from '../contract/site-requests.ts';
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
    return (await this.#load()).forward(exchange, request, headers);
  }

  async download(exchange: Exchange, request: DownloadRequest): Promise<WholeAnswer> {
    const obstacle = this.#hosts.findClientObstacle(request.url.hostname);
    if (obstacle !== undefined) throw new Fault('bad_request', { status: 403, message: obstacle });
    // Of the client's headers only those that show a loop.
    const all = this.#parts.requestHeaders.toList(exchange);
    const own = all.filter((_, at) => OF_PROXIES.has(all[at - (at % 2)]?.toLowerCase() ?? ''));
    return (await this.#load()).download(request, [...own, 'Accept', request.accept]);
  }

  /** Closes every connection. Requests in flight fail. */
  async close(): Promise<void> {
    await (await this.#pools)?.close();
  }

  #load(): Promise<ExternalPools> {
    this.#pools ??= import('./external-pools.ts').then(
      ({ ExternalPools: Pools }) => new Pools({ ...this.#parts, hosts: this.#hosts }),
    );
    return this.#pools;
  }
}

const OF_PROXIES: ReadonlySet<string> = new Set(['via', 'cdn-loop']);
