import { writeSync } from 'node:fs';
import type { CacheNewsListener, CachePeers } from '../contract/cache.ts';
import type { CollectedMetrics, MetricFamily } from '../contract/metrics.ts';
import type { CountedRequests, CountPeers } from '../contract/rate-limit.ts';
import type { StoppedRoute } from './route-breaker.ts';
import type { CallListener } from './shared-calls.ts';
import { SHARED_CALLS } from './site-calls.ts';
import { LOAD_ALL, type LoadOrders, SITE_LOADS } from './site-loads.ts';

/** From the supervisor to a worker. */
export type ToWorker =
  /** Sent once, first. */
  | ({ readonly kind: 'setup' } & WorkerSetup)
  /** This worker is the one that does what only one process may do. */
  | { readonly kind: 'own' }
  /** Another worker serves in its place: accept no more connections, finish, and end. */
  | { readonly kind: 'retire' }
  /** The routes that are not called at present. */
  | { readonly kind: 'stopped'; readonly routes: readonly StoppedRoute[] }
  /** A worker died at once: report each call before it begins, for some minutes. */
  | { readonly kind: 'careful'; readonly forMs: number }
  /** The supervisor received this signal. */
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  /** Requests that other workers let pass, for rate limits. */
  | { readonly kind: 'passed'; readonly counted: CountedRequests }
  | CacheNews
  /** Read the site again, and send the result with the number of this call. `logged`: the result of another worker, which is in the log. */
  | { readonly kind: 'reload'; readonly call: number; readonly logged?: object }
  /** Send the metrics of this process; `withStore`: also of what all processes share. */
  | { readonly kind: 'collect'; readonly call: number; readonly withStore: boolean }
  /** The metrics of all processes, for the call of this worker. */
  | { readonly kind: 'metrics'; readonly call: number; readonly collected: CollectedMetrics };

/** From a worker to the supervisor. */
export type FromWorker =
  /** Node has started, and code of nexthop runs. Sent once, first. */
  | { readonly kind: 'begun' }
  /** It accepts connections. */
  | { readonly kind: 'listening' }
  /** A line for the person who started nexthop. */
  | { readonly kind: 'notice'; readonly line: string }
  /** It holds more memory than its limit, and is to be replaced. Repeated until it is. */
  | { readonly kind: 'full'; readonly usedBytes: number }
  /** Requests that it let pass, for the other workers. */
  | { readonly kind: 'passed'; readonly counted: CountedRequests }
  | CacheNews
  /** The message bus requests that all workers read the site again. */
  | { readonly kind: 'reload' }
  | { readonly kind: 'reloaded'; readonly call: number; readonly outcome: object }
  | { readonly kind: 'collected'; readonly call: number; readonly families: readonly MetricFamily[] }
  /** The last metrics of a process that ends. */
  | { readonly kind: 'counted'; readonly families: readonly MetricFamily[] }
  /** Add the metrics of all other processes to these. */
  | { readonly kind: 'metrics'; readonly call: number; readonly families: readonly MetricFamily[] };

/** For the caches of the other workers. */
export type CacheNews =
  /** A worker stores responses. */
  | { readonly kind: 'storing' }
  /** A request has changed what is at this URL. */
  | { readonly kind: 'changed'; readonly urlKey: string };

export interface WorkerSetup {
  /** The first worker of a start reports on it: the address, the site and its problems. */
  readonly isFirst: boolean;
  /** The descriptor of the socket to listen on. */
  readonly listenFd: number;
  /** The heap above which the worker is replaced; 0: no limit. */
  readonly memoryLimitBytes: number;
  /** The descriptor for reports of calls, see `CallReport`. */
  readonly reportFd: number;
  readonly loads: LoadOrders;
}

/** A line of JSON about the calls of a worker, which its supervisor has also after its death. */
export type CallReport =
  /** All routes with a call that lasts. */
  | { readonly lasting: readonly string[] }
  /** The event loop stands still. */
  | { readonly stalled: true }
  | { readonly begun: string }
  | { readonly ended: string };

/** The requests that the supervisor may send to a worker at any time. */
export interface WorkerDuties {
  own(): void;
  retire(): void;
  stop(routes: readonly StoppedRoute[]): void;
  signal(signal: NodeJS.Signals): void;
  /** Resolves with plain data. Logs them, unless they are those of another worker that are logged. Never rejects. */
  reload(logged: object | undefined): Promise<object>;
  /** Resolves with nothing if no metrics are measured. Never rejects. */
  collect(withStore: boolean): Promise<readonly MetricFamily[]>;
}

type ReloadMessage = Extract<ToWorker, { readonly kind: 'reload' }>;

type Send = (message: FromWorker, ...rest: readonly unknown[]) => boolean;

/**
 * The connection of a worker to its supervisor, by the channel of `child_process`. Code of the site
 * sees no channel, as in a process without a supervisor.
 */
export class SupervisorLink implements CallListener, CountPeers, CachePeers {
  readonly setup: WorkerSetup;
  readonly #send: Send;
  /** Messages that arrived before `serve`. */
  #early: ToWorker[] | undefined = [];
  #duties: WorkerDuties | undefined;
  #calls = 0;
  readonly #scrapes = new Map<number, (collected: CollectedMetrics) => void>();
  #count: (counted: CountedRequests) => void = () => {};
  #cacheListener: CacheNewsListener | undefined;
  /** How many reasons there are to report each call. */
  #reasons = 0;

  private constructor(setup: WorkerSetup, send: Send) {
    this.setup = setup;
    this.#send = send;
  }

  /** Resolves with the first message. `end` is called when the supervisor has ended. */
  static open(end: () => void): Promise<SupervisorLink> {
    const send = process.send?.bind(process) as Send | undefined; // the channel takes any message
    if (!send) throw new Error('this file is started by the supervisor of nexthop start');
    Reflect.deleteProperty(process, 'send');
    process.on('disconnect', end);
    send({ kind: 'begun' });
    return new Promise((resolve) => {
      let link: SupervisorLink | undefined;
      process.on('message', (received) => {
        const message = received as ToWorker; // nothing else has the other end of the channel
        if (link) link.#receive(message);
        else if (message.kind === 'setup') {
          link = new SupervisorLink(message, send);
          resolve(link);
        }
      });
    });
  }

  /** Starts to pass on the requests of the supervisor, including the earlier ones. */
  serve(duties: WorkerDuties): void {
    this.#duties = duties;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const message of early) this.#receive(message);
  }

  /** Resolves with the metrics of all processes; these are those of this one. */
  collectOthers(families: readonly MetricFamily[]): Promise<CollectedMetrics> {
    const call = ++this.#calls;
    return new Promise((resolve) => {
      this.#scrapes.set(call, resolve);
      this.send({ kind: 'metrics', call, families });
    });
  }

  /** Resolves when the supervisor has the message, or cannot get it any more. */
  sendWhole(message: FromWorker): Promise<void> {
    return new Promise((resolve) => void this.#send(message, undefined, undefined, () => resolve()));
  }

  send(message: FromWorker): void {
    // Without a callback, an error of a closed channel would be emitted by the process.
    this.#send(message, undefined, undefined, () => {});
  }

  shareCounts(counted: CountedRequests): void {
    this.send({ kind: 'passed', counted });
  }

  onCounts(listener: (counted: CountedRequests) => void): void {
    this.#count = listener;
  }

  shareStoring(): void {
    this.send({ kind: 'storing' });
  }

  shareChange(urlKey: string): void {
    this.send({ kind: 'changed', urlKey });
  }

  onCacheNews(listener: CacheNewsListener): void {
    this.#cacheListener = listener;
  }

  /**
   * Reports each call, and each load of a file, before it begins: the supervisor knows it even if
   * the process dies in its first line. Returns how to stop that.
   */
  reportCalls(): () => void {
    this.#reasons++;
    SHARED_CALLS.listen(this);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#reasons--;
      if (this.#reasons === 0) SHARED_CALLS.listen(undefined);
    };
  }

  begun(key: string): void {
    this.#report({ begun: key });
  }

  ended(key: string): void {
    this.#report({ ended: key });
  }

  /** At once: the process may end in the next line of code. */
  #report(report: CallReport): void {
    try {
      writeSync(this.setup.reportFd, `${JSON.stringify(report)}\n`);
    } catch {
      // The supervisor has ended, and this process is about to.
    }
  }

  #receive(message: ToWorker): void {
    if (message.kind === 'passed') this.#count(message.counted);
    else if (message.kind === 'storing') this.#cacheListener?.storing();
    else if (message.kind === 'changed') this.#cacheListener?.changed(message.urlKey);
    else if (this.#early) this.#early.push(message);
    else if (message.kind === 'own') this.#duties?.own();
    else if (message.kind === 'retire') this.#duties?.retire();
    else if (message.kind === 'stopped') this.#duties?.stop(message.routes);
    else if (message.kind === 'careful') setTimeout(this.reportCalls(), message.forMs).unref();
    else if (message.kind === 'signal') this.#duties?.signal(message.signal);
    else if (message.kind === 'reload') void this.#reload(message);
    else if (message.kind === 'collect') void this.#collect(message.call, message.withStore);
    else if (message.kind === 'metrics') {
      this.#scrapes.get(message.call)?.(message.collected);
      this.#scrapes.delete(message.call);
    }
  }

  async #collect(call: number, withStore: boolean): Promise<void> {
    const families = await this.#duties?.collect(withStore);
    if (families) this.send({ kind: 'collected', call, families });
  }

  async #reload({ call, logged }: ReloadMessage): Promise<void> {
    // Repaired files are to be loaded again.
    SITE_LOADS.use(LOAD_ALL);
    const stop = this.reportCalls();
    const outcome = await this.#duties?.reload(logged);
    stop();
    if (outcome) this.send({ kind: 'reloaded', call, outcome });
  }
}
