import type { Config } from '../config/config.ts';
import type { Dialect } from '../contract/dialect.ts';
import type { Log } from '../contract/log.ts';
import { PendingWork } from '../contract/pending-work.ts';
import { LazyStore } from '../stores/lazy-store.ts';
import { openStore } from '../stores/open.ts';
import { withTimeout } from '../timing/with-timeout.ts';
import { Background } from './background.ts';
import { LiveSite, type Reload } from './live-site.ts';
import type { Site } from './site.ts';

/** How long the store may take to finish what is under way, also when it is away. */
const STORE_CLOSE_MS = 2000;

export interface RunningSiteParts {
  readonly config: Config;
  readonly log: Log;
  /** Called before each reading of the site, those of reloads too. */
  readonly beforeReading?: () => void;
  /** The platforms whose sites are understood; default: all there are. */
  readonly dialects?: readonly Dialect[];
}

interface OwnParts extends RunningSiteParts {
  readonly sites: LiveSite;
  readonly store: LazyStore;
  readonly background: Background;
}

/** A site with all that it needs to live, whoever hands it requests: its state, its jobs and schedules, and another reading of it now and then. */
export class RunningSite {
  /** What functions have begun and nobody waits for. */
  readonly pendingWork: PendingWork;
  readonly #parts: OwnParts;
  #jobsOver: Promise<void> = Promise.resolve();
  #jobsEndAtMs = 0;

  private constructor(parts: OwnParts) {
    this.#parts = parts;
    this.pendingWork = new PendingWork((error, owner) =>
      parts.log.error('work after the answer failed', { target: owner, error }),
    );
  }

  /** Reads the site. Throws a SiteError when its folder cannot be read. */
  static async open(parts: RunningSiteParts): Promise<RunningSite> {
    const { config, log } = parts;
    const store = new LazyStore(() => openStore(config, log));
    const background = new Background({ store, config, log });
    try {
      const sites = await LiveSite.open({
        ...parts,
        jobs: background.intake,
        kv: (namespace) => store.kv(namespace),
        onExchange: ({ jobRules }) => background.use(jobRules),
      });
      return new RunningSite({ ...parts, sites, store, background });
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** The one that answers now. */
  get current(): Site {
    return this.#parts.sites.current;
  }

  /** Opens the store of a site that keeps something. A store that is away, or takes longer than 5 seconds, keeps nothing from starting. */
  async warm(): Promise<void> {
    const { config, store } = this.#parts;
    if (this.current.jobRules.length > 0 || config.KV_BINDINGS.length > 0) await store.warm();
  }

  /** Begins to run jobs. */
  start(): void {
    this.#parts.background.start(this.current.jobRules);
  }

  /** Reads the site again and lets it answer, without dropping a request (docs/operations.md). Never rejects. */
  reload(): Promise<Reload> {
    return this.#parts.sites.reload();
  }

  /** Begins nothing more: no other reading takes this one's place, no job is begun; those that run have `graceMs`. Resolves when no reading is under way. */
  async retire(graceMs: number): Promise<void> {
    const { sites, background } = this.#parts;
    this.#jobsEndAtMs = performance.now() + graceMs;
    this.#jobsOver = background.close(graceMs);
    await sites.close();
  }

  /** Behind `retire` and the last request, since requests may put something into the store: closes it when the jobs are over, which are given back to it. */
  async close(): Promise<void> {
    const { sites, store, log } = this.#parts;
    const closed = this.#jobsOver
      .then(() => store.close())
      .catch((error: unknown) => log.error('the store did not close in order', { error }));
    // Requests may be over long before the jobs are.
    const leftMs = Math.max(0, this.#jobsEndAtMs - performance.now()) + STORE_CLOSE_MS;
    if (!(await withTimeout(leftMs, closed))) {
      log.warn('the store was not closed in time; jobs that ran here run again when their leases end');
    }
    sites.takeEnvBack();
  }
}
