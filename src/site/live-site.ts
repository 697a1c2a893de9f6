import type { Cache, SiteCache } from '../cache/cache.ts';
import { type Config, SiteEnv } from '../config/config.ts';
import type { Dialect } from '../contract/dialect.ts';
import { messageOf } from '../contract/error-message.ts';
import type { Log } from '../contract/log.ts';
import type { Problem } from '../contract/problem.ts';
import { countRoutes } from '../contract/route.ts';
import type { SiteCode } from '../contract/site-code.ts';
import { keepEsbuild } from '../dialects/loader/esbuild-service.ts';
import { StoredCode } from '../dialects/loader/stored-code.ts';
import { KeptFileFacts } from './kept-file-facts.ts';
import { LoadedCode } from './loaded-code.ts';
import { findLostGuards } from './lost-guards.ts';
import { offerCaches } from './offer-caches.ts';
import { openProject, type ProjectParts } from './project.ts';
import { logReload, type Reload, type ReloadLogging } from './reload.ts';
import { openSiteCache } from './shared-state.ts';
import { openSite, type Site } from './site.ts';

export interface LiveSiteParts
  extends Pick<
    ProjectParts,
    'jobs' | 'kv' | 'blobs' | 'origins' | 'rateLimits' | 'onOutside' | 'ownCalls' | 'purging' | 'fileFacts'
  > {
  readonly config: Config;
  readonly log: Log;
  /** Default: nothing is cached. */
  readonly cache?: Cache | undefined;
  /** Default: all platforms. */
  readonly dialects?: readonly Dialect[];
  readonly beforeReading?: () => void;
  /** The site is read often: the compiler, and what is known of its files, are kept between readings. */
  readonly isWritten?: boolean;
  /**
   * Several processes serve the site, and replace each other: the first one of a start, or a next
   * one. Undefined: this is the only one.
   */
  readonly place?: 'first' | 'next';
  /** Called in the same step in which a new site replaces the previous one. */
  readonly onExchange?: (site: Site) => void;
}

interface KeptSite extends ReloadLogging {
  readonly reason: string;
  readonly problems: readonly Problem[];
}

interface Read {
  readonly site: Site;
  readonly code: LoadedCode;
  readonly cache: SiteCache | undefined;
}

/**
 * The site in use, and its replacement by a new reading of the same folder without dropping a
 * request.
 */
export class LiveSite {
  readonly #parts: LiveSiteParts;
  readonly #siteEnv: SiteEnv;
  /** Code that has not been retired. */
  readonly #codes = new Set<SiteCode>();
  readonly #stored: StoredCode;
  #read: Read;
  readonly #endCompiler: (() => Promise<void>) | undefined;
  #isClosed = false;
  #running: Promise<Reload> | undefined;
  #next: Promise<Reload> | undefined;
  #logged: Reload | undefined;

  private constructor(parts: LiveSiteParts, siteEnv: SiteEnv, read: Read) {
    this.#parts = parts;
    this.#siteEnv = siteEnv;
    this.#read = read;
    this.#endCompiler = parts.isWritten ? keepEsbuild() : undefined;
    this.#stored = new StoredCode({ root: parts.config.site, dataDir: parts.config.DATA_DIR });
    this.#retireUnused(read.code);
  }

  /** Reads the site for the first time. Throws a SiteError if the folder cannot be read. */
  static async open(given: LiveSiteParts): Promise<LiveSite> {
    const parts = given.isWritten ? { ...given, fileFacts: new KeptFileFacts() } : given;
    const siteEnv = new SiteEnv();
    const code = new LoadedCode();
    const first = new LiveSite(parts, siteEnv, await read(parts, siteEnv, code));
    await first
      .#restore()
      .catch((error) =>
        parts.log.warn(
          'code that worked before another worker ended cannot be loaded; functions that do not load now answer 500',
          { error },
        ),
      );
    first.#offerCaches();
    return first;
  }

  /** In the place of another process: uses what that had, for files that do not load. */
  async #restore(): Promise<void> {
    const { place } = this.#parts;
    if (place === 'first') await this.#stored.clear();
    if (place !== 'next' || !this.#read.site.problems.some(({ severity }) => severity === 'error')) return;
    const goods = await this.#stored.load();
    if (goods.size === 0) return;
    const code = new LoadedCode(this.#read.code, goods);
    this.#read = await read(this.#parts, this.#siteEnv, code, () => void this.reload());
    this.#retireUnused(code);
  }

  /** Another process has what worked, if this one ends while it loads the new code. */
  async #storeBefore(): Promise<void> {
    const { code } = this.#read;
    if (this.#parts.place !== undefined && code.good.size > 0) await this.#save(() => this.#stored.save(code.good));
  }

  /** Before the result of a reload is known to others: any process may end then. */
  async #store({ site, code }: Read): Promise<void> {
    if (this.#parts.place === undefined) return;
    const keeps = site.problems.some(({ keeps: files = [] }) => files.length > 0);
    await this.#save(() => (keeps ? this.#stored.save(code.good) : this.#stored.clear()));
  }

  async #save(save: () => Promise<void>): Promise<void> {
    try {
      await save();
    } catch (error) {
      this.#parts.log.warn(
        'code that worked before cannot be kept in DATA_DIR for other workers; let this user write there',
        { error },
      );
    }
  }

  get current(): Site {
    return this.#read.site;
  }

  /**
   * Reads the site again, including its `.env` and the configuration of the platforms, and uses the
   * result for new requests. Requests in flight end with the site with which they began. A file
   * whose code does not load keeps the code that worked before. If the site cannot be read, nothing
   * changes. All calls during a reading share one further reading after it, because the current one
   * may have read a file before it changed. `logged`: the result of another process, which is not
   * logged once more. Never rejects.
   */
  reload(logged?: Reload): Promise<Reload> {
    this.#logged = logged ?? this.#logged;
    if (this.#running) this.#next ??= this.#running.then(() => this.#start());
    return this.#next ?? this.#start();
  }

  /**
   * Stops replacing the site, also by a reload in flight. Resolves when no reading is in flight.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
    await this.#endCompiler?.();
  }

  /**
   * Ends the code of the site, also calls that go on without a client, and removes its variables
   * from the environment of the process. Call it after the last request.
   */
  endCode(): void {
    for (const code of this.#codes) code.end();
    this.#siteEnv.exchange({});
  }

  #start(): Promise<Reload> {
    this.#running = this.#exchange();
    this.#next = undefined;
    const over = (): void => {
      if (!this.#next) this.#running = undefined;
    };
    void this.#running.then(over);
    return this.#running;
  }

  async #exchange(): Promise<Reload> {
    const { log, onExchange } = this.#parts;
    const logged = this.#logged;
    this.#logged = undefined;
    if (this.#isClosed) return { state: 'kept', reason: 'the server ends', problems: [] };
    const startedAtMs = performance.now();
    const valuesBefore = this.#siteEnv.values;
    const code = new LoadedCode(this.#read.code, undefined, () => this.#next !== undefined);
    await this.#storeBefore();
    try {
      const found = await read(this.#parts, this.#siteEnv, code, () => void this.reload());
      const reason = this.#isClosed ? 'the server ends' : findReasonToKeep(found.site);
      if (reason !== undefined) return this.#keep(valuesBefore, { reason, problems: found.site.problems, logged });
      await this.#store(found);
      this.#read.cache?.close();
      const problems = [...found.site.problems, ...findLostGuards(this.#read.site, found.site)];
      this.#read = found;
      this.#offerCaches();
      onExchange?.(found.site);
      const tookMs = Math.round(performance.now() - startedAtMs);
      return logReload(log, { state: 'exchanged', ...countRoutes(found.site.routes), tookMs, problems }, { logged });
    } catch (error) {
      // This includes defects of a dialect: no error may harm the site in use.
      return this.#keep(valuesBefore, { reason: messageOf(error), problems: [], logged, error });
    } finally {
      this.#retireUnused(code);
    }
  }

  #offerCaches(): void {
    const { cache, code } = this.#read;
    offerCaches(cache?.caches, code.used);
  }

  /** `latest`: the last reading, which may have been refused. */
  #retireUnused(latest: LoadedCode): void {
    for (const code of latest.created) this.#codes.add(code);
    const { used } = this.#read.code;
    for (const code of this.#codes) {
      if (used.has(code)) continue;
      this.#codes.delete(code);
      code.retire();
    }
  }

  #keep(values: SiteEnv['values'], { reason, problems, ...rest }: KeptSite): Reload {
    this.#siteEnv.exchange(values);
    return logReload(this.#parts.log, { state: 'kept', reason, problems }, rest);
  }
}

async function read(
  {
    config,
    log,
    cache: allCaches,
    dialects,
    jobs,
    kv,
    blobs,
    origins,
    rateLimits,
    onOutside,
    ownCalls,
    purging,
    fileFacts,
    beforeReading,
  }: LiveSiteParts,
  siteEnv: SiteEnv,
  code: LoadedCode,
  onLateCode?: () => void,
): Promise<Read> {
  beforeReading?.();
  const { cache, findVersion } = openSiteCache(allCaches, config);
  const project = await openProject(config, log, {
    ...{ siteEnv, warmCode: code },
    ...(onLateCode && { onLateCode }),
    ...(cache && { withCache: cache.withCache }),
    ...(jobs && { jobs }),
    ...(kv && { kv }),
    ...(blobs && { blobs }),
    ...(origins && { origins }),
    ...(rateLimits && { rateLimits }),
    ...(onOutside && { onOutside }),
    ...(ownCalls && { ownCalls }),
    ...(purging && { purging }),
    ...(fileFacts && { fileFacts }),
  });
  const site = await openSite(project, dialects);
  // Later the files may be those of the next version. The look at the store opens it: not for a site without code.
  if (site.routes.some((route) => route.code) && allCaches?.isShared) void findVersion?.();
  return { site, code, cache };
}

/**
 * Why a site must not replace one that works; undefined if it may. A failing function is no reason:
 * the change may be about the others, or about the requests that go to the next hop. A failing
 * middleware that never worked is a reason, because it would close the whole site.
 */
function findReasonToKeep({ filters, problems }: Site): string | undefined {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const failing = new Set(errors.flatMap(({ file, stops = [] }) => [file, ...stops]));
  for (const file of errors.flatMap(({ keeps = [] }) => keeps)) failing.delete(file);
  const filter = filters.find(({ file }) => failing.has(file));
  if (filter) return `${filter.file} does not work`;
  // An error without a file concerns all functions: nothing can be compiled.
  return errors.find(({ file }) => file === '')?.message;
}
