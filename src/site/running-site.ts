import type { Cache } from '../cache/cache.ts';
import type { Config } from '../config/config.ts';
import type { CachePeers } from '../contract/cache.ts';
import type { Dialect } from '../contract/dialect.ts';
import { isReported } from '../contract/exit-error.ts';
import { Fault } from '../contract/fault.ts';
import type { RequestHandler } from '../contract/http-message.ts';
import type { Log } from '../contract/log.ts';
import type { CacheUse, JobsNow, StoreObserver } from '../contract/metrics.ts';
import type { OwnCall, OwnCalls } from '../contract/own-calls.ts';
import { PendingWork } from '../contract/pending-work.ts';
import { didYouMean } from '../contract/problem.ts';
import type { Project, RateLimits } from '../contract/project.ts';
import type { Purging } from '../contract/purging.ts';
import type { CountPeers } from '../contract/rate-limit.ts';
import type { Fallback } from '../contract/target.ts';
import type { Tracer } from '../contract/tracer.ts';
import { UserError } from '../contract/user-error.ts';
import { withTimeout } from '../contract/with-timeout.ts';
import { ExternalServers } from '../hop/external-servers.ts';
import { RequestHeaders } from '../hop/request-headers.ts';
import { sendOwnCall } from '../http/own-call.ts';
import type { JobRun } from '../jobs/run-due.ts';
import { FallbackLimiter } from '../limits/fallback-limiter.ts';
import { type LimiterPeers, MemoryLimiter } from '../limits/memory-limiter.ts';
import { outsideOfCalls } from '../process/site-calls.ts';
import { openBlobs } from '../stores/open.ts';
import { type MessageBus, openMessageBus } from '../stores/redis/message-bus.ts';
import { Background, type BackgroundParts } from './background.ts';
import { LiveSite } from './live-site.ts';
import type { Reload } from './reload.ts';
import { limitPurges, openCache, openSharedState, type SharedState, warmCache } from './shared-state.ts';
import type { Site } from './site.ts';

/** Time limit for the store to finish the calls in flight, also while it is away. */
const STORE_CLOSE_MS = 500;

export interface RunningSiteParts {
  readonly config: Config;
  readonly log: Log;
  /** Closed with the site. Default: a new one. */
  readonly shared?: SharedState;
  /** The settings of the cache hold; default: nothing is cached. */
  readonly isCached?: boolean;
  /** Called before each reading of the site, including those of reloads. */
  readonly beforeReading?: () => void;
  /** This process is one of several that replace each other (src/site/live-site.ts). */
  readonly place?: 'first' | 'next';
  readonly tracer?: Tracer | undefined;
  readonly storeObserver?: StoreObserver | undefined;
  readonly callTimeoutMs?: number | undefined;
  /** Gets each attempt at a job that has ended. */
  readonly onJobEnded?: BackgroundParts['onJobEnded'];
  /** The platforms whose sites are read; default: all. */
  readonly dialects?: readonly Dialect[];
  /** See LiveSiteParts. */
  readonly isWritten?: boolean;
  /** The other workers, which count for the same rate limits and have caches of their own. Default: none. */
  readonly peers?: CountPeers & CachePeers;
  /** See Project. */
  readonly onOutside?: Project['onOutside'];
}

interface OwnParts extends RunningSiteParts {
  readonly sites: LiveSite;
  readonly shared: SharedState;
  readonly cache: Cache | undefined;
  readonly background: Background;
  readonly origins: ExternalServers;
  readonly ownCalls: Answerer;
}

/** Passes requests that nexthop itself makes to the server, once there is one. */
class Answerer implements OwnCalls {
  handler: RequestHandler | undefined;

  async send(call: OwnCall): Promise<number> {
    if (!this.handler) throw new Fault('draining', { message: 'no server of this process answers requests yet' });
    return sendOwnCall(this.handler, call);
  }
}

/** A site with its state, its jobs and schedules and its reloads, independent of the server that passes requests to it. */
export class RunningSite {
  /** Work that functions started and that no response waits for (`waitUntil`). */
  readonly pendingWork: PendingWork;
  /** Undefined: nothing is cached. */
  readonly cache: Cache | undefined;
  readonly #parts: OwnParts;
  #messageBus: MessageBus | undefined;
  #jobsOver: Promise<void> = Promise.resolve();
  #jobsEndAtMs = 0;

  private constructor(parts: OwnParts) {
    this.#parts = parts;
    this.cache = parts.cache;
    this.pendingWork = new PendingWork((error, owner) => {
      if (!isReported(error)) parts.log.error('work after the response failed', { target: owner, error });
    });
  }

  /** Reads the site. Throws a SiteError if its folder cannot be read. */
  static async open(parts: RunningSiteParts): Promise<RunningSite> {
    const { config, log, onJobEnded, tracer, storeObserver: observer, callTimeoutMs } = parts;
    const { shared: given = openSharedState(config, log, { observer, callTimeoutMs }) } = parts;
    const { store } = given;
    const rateLimits = toRateLimits(config, store, parts);
    const purging = limitPurges(given.purging, rateLimits.limiter, config.PURGE_RATE);
    const shared = { ...given, purging };
    const cache = parts.isCached ? openCache(config, parts, shared) : undefined;
    const background = new Background({ store, config, log, onJobEnded, tracer });
    const origins = new ExternalServers({
      hosts: config.PROXY_HOSTS,
      requestHeaders: new RequestHeaders({
        name: config.VIA,
        loopLimit: config.LOOP_LIMIT,
        appendForwardedFor: config.APPEND_FORWARDED_FOR,
      }),
      connectTimeoutMs: config.HOP_CONNECT_TIMEOUT,
      idleTimeoutMs: config.HOP_IDLE_TIMEOUT,
    });
    const ownCalls = new Answerer();
    try {
      const sites = await LiveSite.open({
        ...parts,
        ownCalls,
        cache,
        jobs: background.intake,
        kv: (namespace) => store.kv(namespace),
        blobs: openBlobs(config, store, log, observer),
        origins,
        purging,
        rateLimits,
        onExchange: (site) => {
          background.use(site.jobRules);
          void site.announce();
        },
      });
      return new RunningSite({ ...parts, shared, cache, sites, background, origins, ownCalls });
    } catch (error) {
      await shared.close();
      throw error;
    }
  }

  /** The fallback with a cache in front of it, if its responses are cached. */
  withCache(fallback: Fallback): Fallback {
    const { cache, config } = this.#parts;
    return cache && config.CACHE === 'all' ? cache.withFallback(fallback) : fallback;
  }

  /** Undefined: there is no cache. */
  get cacheUse(): CacheUse | undefined {
    return this.#parts.cache?.use;
  }

  /** Purges cached responses. */
  get purging(): Purging {
    return this.#parts.shared.purging;
  }

  /** The site in use. */
  get current(): Site {
    return this.#parts.sites.current;
  }

  /**
   * Opens the store if the site uses one. A store that is away, or needs longer than 5 seconds,
   * does not prevent the start. Resolves with the reason why it cannot be used, if there is one.
   */
  async warm(): Promise<unknown> {
    const { config, shared, cache } = this.#parts;
    const isUsed =
      this.current.jobRules.length > 0 || config.KV_BINDINGS.length > 0 || (config.REDIS_URL && this.current.limits);
    const [reason] = await Promise.all([
      isUsed ? shared.store.warm() : undefined,
      warmCache(cache, shared, this.current),
    ]);
    return reason;
  }

  /** Requests that nexthop itself makes, e.g. for schedules, are answered by this server. */
  answerOwnCallsBy(handler: RequestHandler): void {
    this.#parts.ownCalls.handler = handler;
  }

  /** The jobs in the store; undefined if the site has none. Rejects if the store is away. */
  async jobsNow(): Promise<JobsNow | undefined> {
    return this.current.jobRules.length === 0 ? undefined : this.#parts.background.now();
  }

  /** Starts to run jobs. */
  start(): void {
    this.#parts.background.start(this.current.jobRules);
    void this.current.announce();
  }

  /**
   * Starts what one of several processes on a store does: the clock of schedules, and the
   * subscription to the message bus, which may request a reload.
   */
  own(requestReload: () => void): void {
    const { config, log, background } = this.#parts;
    background.own();
    if (config.messageBus && !this.#messageBus)
      this.#messageBus = openMessageBus({ endpoint: config.messageBus, log, onUpdate: requestReload });
  }

  /** Runs a scheduled function now. Resolves with the id of its job. Rejects with `store_unavailable`. */
  runNow(rule: string): Promise<string> {
    const tick = new TextEncoder().encode(JSON.stringify({ tickMs: Date.now() }));
    return this.#parts.background.intake.push(rule, tick);
  }

  /**
   * Runs the jobs that are due, one after the other, and resolves with how they ended. `name`: only those of this rule, after a
   * job was added if it has a schedule. For tests and commands, with JOB_CONCURRENCY=0. Rejects with a UserError for an
   * unknown name, and with `store_unavailable`.
   */
  async runJobs(name?: string): Promise<readonly JobRun[]> {
    const { background } = this.#parts;
    const { jobRules } = this.current;
    if (name === undefined) return background.runDue(jobRules);
    const rule = jobRules.find((each) => each.name === name || each.file === name || each.name.endsWith(`/${name}`));
    if (!rule) {
      const names = jobRules.map((each) => each.name);
      throw new UserError(`there is no job ${JSON.stringify(name)}${didYouMean(name, names) || toList(names)}`);
    }
    if (rule.schedule !== undefined) await this.runNow(rule.name);
    return background.runDue([rule]);
  }

  /** Reads the site again and uses the result, without dropping a request (docs/operations.md). `logged`: as of LiveSite. Never rejects. */
  reload(logged?: Reload): Promise<Reload> {
    return this.#parts.sites.reload(logged);
  }

  /**
   * Stops reloads and starts no more jobs. Running jobs have `graceMs` to end. Resolves when no reading is in flight.
   */
  async retire(graceMs: number): Promise<void> {
    const { sites, background } = this.#parts;
    this.#jobsEndAtMs = performance.now() + graceMs;
    this.#jobsOver = background.close(graceMs);
    await Promise.all([this.#messageBus?.close(), sites.close()]);
  }

  /**
   * Closes the store after the jobs have ended, because unfinished jobs are released to it. Call it
   * after `retire` and the last request, because requests may use the store.
   */
  async close(): Promise<void> {
    const { sites, shared, log, origins } = this.#parts;
    const closed = Promise.all([origins.close(), this.#jobsOver.then(() => shared.close())]).catch((error: unknown) =>
      log.error('the store could not be closed; jobs that ran here run again when their leases end', { error }),
    );
    // The requests may have ended long before the jobs end.
    const leftMs = Math.max(0, this.#jobsEndAtMs - performance.now()) + STORE_CLOSE_MS;
    if (!(await withTimeout(leftMs, closed))) {
      log.warn('the store was not closed in time; jobs that ran here run again when their leases end');
    }
    sites.endCode();
  }
}

/** Counts live as long as the process or the Redis: they stay when the site is read again. */
function toRateLimits(
  config: Config,
  store: SharedState['store'],
  { log, peers }: Pick<RunningSiteParts, 'log' | 'peers'>,
): RateLimits {
  const { RATE_LIMIT, RATE_LIMIT_KEYS: mostKeys, RATE_LIMIT_STRICT: isStrict, RATE_LIMIT_FIELDS } = config;
  // With Redis it counts while that is away, and lets its part of a limit pass.
  const local = new MemoryLimiter({ mostKeys, peers: peers && !config.REDIS_URL ? toLimiterPeers(peers) : undefined });
  return {
    limiter: config.REDIS_URL ? new FallbackLimiter({ shared: store.limiter, local, isStrict, mostKeys, log }) : local,
    siteRule: RATE_LIMIT && {
      ...RATE_LIMIT,
      id: `site-${RATE_LIMIT.limit}-${RATE_LIMIT.windowMs}-${RATE_LIMIT.by.join('-')}`,
      name: 'site',
    },
    sendsFields: RATE_LIMIT_FIELDS,
  };
}

function toLimiterPeers(peers: CountPeers): LimiterPeers {
  return {
    shareCounts: (counted) => peers.shareCounts(counted),
    onCounts: (listener) => peers.onCounts(listener),
    // It may be a function that needs the first timer, and its timers end with its code.
    after: (ms, work) => outsideOfCalls(() => void setTimeout(work, ms).unref()),
  };
}

function toList(names: readonly string[]): string {
  return names.length === 0 ? '; the site has none' : `; there are ${names.join(', ')}`;
}
