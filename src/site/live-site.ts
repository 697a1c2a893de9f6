import { type Config, SiteEnv } from '../config/config.ts';
import type { Dialect } from '../contract/dialect.ts';
import type { Log } from '../contract/log.ts';
import { logProblems } from '../contract/problem.ts';
import { LoadedCode } from '../dialects/loader/loaded-code.ts';
import { openProject, type ProjectParts } from './project.ts';
import { openSite, type Site } from './site.ts';

export interface LiveSiteParts extends Pick<ProjectParts, 'jobs' | 'kv'> {
  readonly config: Config;
  readonly log: Log;
  /** Default: all there are. */
  readonly dialects?: readonly Dialect[];
  readonly beforeReading?: () => void;
  /** Told in the same step in which a new site takes the place of the one before. */
  readonly onExchange?: (site: Site) => void;
}

/** What came of a reload: a new site answers, or the one before goes on, for a reason. */
export type Reload = { readonly state: 'exchanged' } | { readonly state: 'kept'; readonly reason: string };

interface Read {
  readonly site: Site;
  readonly code: LoadedCode;
}

/** The site that answers, and how another reading of the same folder takes its place while requests come and go. */
export class LiveSite {
  readonly #parts: LiveSiteParts;
  readonly #siteEnv: SiteEnv;
  #read: Read;
  #isClosed = false;
  #running: Promise<Reload> | undefined;
  #next: Promise<Reload> | undefined;

  private constructor(parts: LiveSiteParts, siteEnv: SiteEnv, read: Read) {
    this.#parts = parts;
    this.#siteEnv = siteEnv;
    this.#read = read;
  }

  /** Reads the site for the first time. Throws a SiteError when the folder cannot be read. */
  static async open(parts: LiveSiteParts): Promise<LiveSite> {
    const siteEnv = new SiteEnv();
    return new LiveSite(parts, siteEnv, await read(parts, siteEnv, new LoadedCode()));
  }

  get current(): Site {
    return this.#read.site;
  }

  /**
   * Reads the site again, its `.env` and the platforms' configuration included, and lets what was found answer from then on; requests under way end
   * with the site they began with. A site that cannot be read, or of which nothing works, changes nothing. Calls that come while one reads are all
   * served by one more reading after it, since it may have looked before whatever they are about. Never rejects.
   */
  reload(): Promise<Reload> {
    if (this.#running) this.#next ??= this.#running.then(() => this.#start());
    return this.#next ?? this.#start();
  }

  /** No site is exchanged any more, also by a reload that is under way; its reading is waited for. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  /** Behind the last request: the process's environment is as it was without the site's own variables. */
  takeEnvBack(): void {
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
    if (this.#isClosed) return { state: 'kept', reason: 'the server ends' };
    const startedAtMs = performance.now();
    const valuesBefore = this.#siteEnv.values;
    try {
      const found = await read(this.#parts, this.#siteEnv, new LoadedCode(this.#read.code));
      const reason = this.#isClosed ? 'the server ends' : findReasonToKeep(found.site);
      if (reason !== undefined) return this.#keep(valuesBefore, reason, found.site);
      this.#read = found;
      onExchange?.(found.site);
      logProblems(log, found.site.problems);
      const fields = { routes: found.site.routes.length, took_ms: Math.round(performance.now() - startedAtMs) };
      log.info('the site was read again and has taken the place of the one before', fields);
      return { state: 'exchanged' };
    } catch (error) {
      // Also a mistake of a dialect: whatever it is, the site in use does not suffer from it.
      return this.#keep(valuesBefore, error instanceof Error ? error.message : String(error), undefined, error);
    }
  }

  #keep(values: SiteEnv['values'], reason: string, refused?: Site, error?: unknown): Reload {
    const { log } = this.#parts;
    this.#siteEnv.exchange(values);
    logProblems(log, refused?.problems ?? []);
    log.error('the site was read again and is not used; the one before goes on', {
      reason,
      ...(error !== undefined && { error }),
    });
    return { state: 'kept', reason };
  }
}

async function read(
  { config, log, dialects, jobs, kv, beforeReading }: LiveSiteParts,
  siteEnv: SiteEnv,
  code: LoadedCode,
): Promise<Read> {
  beforeReading?.();
  const project = await openProject(config, log, { siteEnv, warmCode: code, ...(jobs && { jobs }), ...(kv && { kv }) });
  return { site: await openSite(project, dialects), code };
}

/**
 * Why a site must not take the place of one that works; undefined if it may. That some of its functions fail is no reason: the others, and the way to the
 * hop, may be what the change was about. A middleware that fails is one, since it closes all of the site.
 */
function findReasonToKeep({ filters, routes, problems }: Site): string | undefined {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const failing = new Set(errors.flatMap(({ file, stops = [] }) => [file, ...stops]));
  const [first] = errors;
  if (!first) return undefined;
  const filter = filters.find(({ file }) => failing.has(file));
  if (filter) return `${filter.file} does not work`;
  // An error of no file is one of all functions: nothing can be compiled.
  if (failing.has('')) return first.message;
  const functions = new Set(
    routes.filter(({ step, folder }) => step !== 1 && folder === undefined).map(({ file }) => file),
  );
  if (functions.size === 0 || [...functions].some((file) => !failing.has(file))) return undefined;
  return `no function works; the first error: ${first.file} ${first.message}`;
}
