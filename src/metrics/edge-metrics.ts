import { readFileSync } from 'node:fs';
import type { CacheUse, JobsNow, MetricFamily, MetricSeries } from '../contract/metrics.ts';
import { HopMetrics } from './hop-metrics.ts';
import { JobMetrics } from './job-metrics.ts';
import { toLabels } from './label-text.ts';
import { ProcessMetrics } from './process-metrics.ts';
import { RequestMetrics, toMethod } from './request-metrics.ts';
import { SeldomAsked, StoreMetrics } from './store-metrics.ts';

/** Parts of an Edge whose values are read at a scrape. */
export interface MetricSources {
  readonly server: {
    readonly connections: { readonly open: number; readonly refused: number };
    /** Of the requests in flight. */
    activeMethods(): Iterable<string>;
  };
  readonly hop: {
    readonly connections: {
      readonly idle: number;
      readonly busy: number;
      readonly waiting: number;
      readonly retries: number;
      readonly answers: number;
    };
    readonly tunnels: { readonly size: number };
  };
  readonly webSockets: { readonly size: number };
  readonly log: { readonly lostCount: number; readonly isFailing: boolean };
  readonly certificate: { readonly current: { readonly endsAt: Date } } | undefined;
  readonly site: { readonly cacheUse: CacheUse | undefined; jobsNow(): Promise<JobsNow | undefined> };
}

/** All metrics of this process. */
export class EdgeMetrics {
  readonly requests: RequestMetrics;
  readonly hop = new HopMetrics();
  readonly jobs = new JobMetrics();
  readonly stores = new StoreMetrics();
  readonly #process = new ProcessMetrics();
  readonly #durableBytes = new SeldomAsked<number>();
  #sources: MetricSources | undefined;
  readonly #build = toLabels({ version: readVersion(), node: process.version });
  readonly #reloads = { exchanged: 0, kept: 0 };
  #reloadedAtMs = 0;

  /** `hasHosts`: requests are also counted by hostname. */
  constructor({ hasHosts = false }: { readonly hasHosts?: boolean } = {}) {
    this.requests = new RequestMetrics({ hasHosts });
  }

  /** Call it before `collect`: the parts of an Edge need its metrics, and these need the parts. */
  use(sources: MetricSources): void {
    this.#sources = sources;
  }

  /** Counts a reload of the site. */
  reloaded(isExchanged: boolean): void {
    this.#reloads[isExchanged ? 'exchanged' : 'kept']++;
    this.#reloadedAtMs = Date.now();
  }

  /** `withStore`: also what the store has, which all processes share. Never rejects. */
  async collect({ withStore }: { readonly withStore: boolean }): Promise<readonly MetricFamily[]> {
    const sources = this.#sources;
    if (!sources) return this.#process.families();
    const { site } = sources;
    const [jobs, durableBytes] = withStore
      ? await Promise.all([
          this.jobs.stored(() => site.jobsNow()),
          this.#durableBytes.find(async () => site.cacheUse?.durableBytes()),
        ])
      : [[]];
    return [
      ...this.requests.families(),
      ...toServer(sources),
      ...this.hop.families(),
      ...toHop(sources.hop.connections),
      ...this.jobs.families(),
      ...jobs,
      ...this.stores.families(),
      ...toCache(site.cacheUse, durableBytes),
      ...this.#life(sources),
      ...this.#process.families(),
    ];
  }

  close(): void {
    this.#process.close();
  }

  #life({ certificate, log }: MetricSources): readonly MetricFamily[] {
    const endsAt = certificate?.current.endsAt;
    const seconds = this.#reloadedAtMs / 1000;
    return [
      counter('nexthop_log_dropped_total', 'Log lines that were not written.', log.lostCount),
      {
        ...counter('nexthop_reloads_total', 'Reloads of the site, in each process.', 0),
        series: Object.entries(this.#reloads).map(([outcome, count]) => ({
          labels: toLabels({ outcome }),
          values: [count],
        })),
      },
      ...(seconds > 0
        ? [latest('nexthop_last_reload_timestamp_seconds', 'The last reload, in Unix time.', seconds)]
        : []),
      ...(endsAt
        ? [
            latest(
              'nexthop_certificate_expires_seconds',
              'End of the certificate, in Unix time.',
              endsAt.getTime() / 1000,
            ),
          ]
        : []),
      { ...latest('nexthop_build_info', 'Versions.', 1), series: [{ labels: this.#build, values: [1] }] },
    ];
  }
}

/** `durableBytes`: of what all processes share; undefined: unknown. */
function toCache(use: CacheUse | undefined, durableBytes: number | undefined): readonly MetricFamily[] {
  if (use === undefined) return [];
  const memory: MetricSeries = { labels: toLabels({ tier: 'memory' }), values: [use.bytes] };
  const durable: readonly MetricSeries[] =
    durableBytes === undefined ? [] : [{ labels: toLabels({ tier: 'durable' }), values: [durableBytes], merge: 'max' }];
  return [
    {
      ...gauge('nexthop_cache_bytes', 'Cached responses, in the memory of the processes and in the store.', 0),
      series: [memory, ...durable],
    },
    counter('nexthop_cache_evictions_total', 'Cached responses that made room for others.', use.evictions),
  ];
}

function toServer({ server, hop, webSockets }: MetricSources): readonly MetricFamily[] {
  const active = new Map<string, number>();
  for (const given of server.activeMethods()) {
    const method = toMethod(given);
    active.set(method, (active.get(method) ?? 0) + 1);
  }
  const { open, refused } = server.connections;
  return [
    {
      ...gauge('http_server_active_requests', 'Requests in flight.', 0),
      series: [...active].map(([method, count]) => ({
        labels: toLabels({ http_request_method: method }),
        values: [count],
      })),
    },
    gauge('nexthop_connections', 'Open client connections.', open),
    counter('nexthop_connections_refused_total', 'Connections above MAX_CONNECTIONS.', refused),
    gauge('nexthop_tunnels', 'Open WebSockets, to the hop and to functions.', hop.tunnels.size + webSockets.size),
  ];
}

function toHop({ idle, busy, waiting, retries }: MetricSources['hop']['connections']): readonly MetricFamily[] {
  return [
    {
      ...gauge('nexthop_hop_connections', 'Connections to the next hop.', 0),
      series: Object.entries({ idle, busy }).map(([state, count]) => ({
        labels: toLabels({ state }),
        values: [count],
      })),
    },
    gauge('nexthop_hop_queue', 'Requests that wait for a connection to the next hop.', waiting),
    counter('nexthop_hop_retries_total', 'Requests that were sent to the next hop a second time.', retries),
  ];
}

function readVersion(): string {
  return String(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version);
}

function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, help, kind: 'gauge', series: [{ labels: '', values: [value] }] };
}

function latest(name: string, help: string, value: number): MetricFamily {
  return { ...gauge(name, help, value), merge: 'max' };
}

function counter(name: string, help: string, value: number): MetricFamily {
  return { ...gauge(name, help, value), kind: 'counter' };
}
