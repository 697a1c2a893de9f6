import { messageOf } from '../contract/error-message.ts';
import { Fault } from '../contract/fault.ts';
import type { Log } from '../contract/log.ts';
import type { Limiter, RateRule, SharedLimiter, Take } from '../contract/rate-limit.ts';

/** The longest wait of a request for the shared counts. */
const WAIT_MS = 50;

/** How long requests are counted here before one of them asks for the shared counts again. */
const RETRY_MS = 1000;

/** How often this process reports that it is one of several. */
const REPORT_MS = 10_000;

const LOG_MS = 60_000;

export interface FallbackLimiterParts {
  readonly shared: SharedLimiter;
  /** Counts while the shared counts are away. */
  readonly local: Limiter;
  /** Requests fail with `store_unavailable` while the shared counts are away. */
  readonly isStrict: boolean;
  /** The most keys that are refused without a question at a time. */
  readonly mostKeys: number;
  readonly log: Log;
}

/**
 * Counts with other processes, and in this one while that fails or takes longer than 50 ms. Each process then lets its part
 * of a limit pass. A key that was refused is refused here until its time is over.
 */
export class FallbackLimiter implements Limiter {
  readonly #parts: FallbackLimiterParts;
  /** By rule and key: when the next request may pass, on the clock of `performance.now()`. */
  readonly #blocked = new Map<string, number>();
  #isAway = false;
  #retryAtMs = 0;
  #reportAtMs = 0;
  #logAtMs = 0;
  #processes = 1;

  constructor(parts: FallbackLimiterParts) {
    this.#parts = parts;
  }

  take(rule: RateRule, key: string): Take | Promise<Take> {
    const nowMs = performance.now();
    const blockedMs = this.#findBlock(`${rule.id} ${key}`, nowMs);
    if (blockedMs > 0) return { isAllowed: false, remaining: 0, resetMs: blockedMs };
    if (this.#isAway && nowMs < this.#retryAtMs) return this.#takeHere(rule, key);
    // While this request asks, others do not.
    if (this.#isAway) this.#retryAtMs = nowMs + RETRY_MS;
    return this.#ask(rule, key);
  }

  async #ask(rule: RateRule, key: string): Promise<Take> {
    const { shared } = this.#parts;
    try {
      const take = await inTime(shared.take(rule, key));
      this.#isAway = false;
      if (!take.isAllowed) this.#block(`${rule.id} ${key}`, take.resetMs);
      this.#report();
      return take;
    } catch (error) {
      this.#isAway = true;
      this.#retryAtMs = performance.now() + RETRY_MS;
      this.#logOutage(error);
      return this.#takeHere(rule, key);
    }
  }

  /** Throws `store_unavailable` if it must not decide. */
  #takeHere(rule: RateRule, key: string): Take | Promise<Take> {
    const { local, isStrict } = this.#parts;
    if (isStrict)
      throw new Fault('store_unavailable', { message: 'the counts of rate limits are away (RATE_LIMIT_STRICT)' });
    return local.take({ ...rule, limit: Math.ceil(rule.limit / this.#processes) }, key);
  }

  /** Milliseconds until the key may be asked for again; 0: now. */
  #findBlock(name: string, nowMs: number): number {
    if (this.#blocked.size === 0) return 0;
    const untilMs = this.#blocked.get(name);
    if (untilMs === undefined) return 0;
    if (untilMs > nowMs) return untilMs - nowMs;
    this.#blocked.delete(name);
    return 0;
  }

  #block(name: string, ms: number): void {
    // Without its blocks a process asks once more for each key.
    if (this.#blocked.size >= this.#parts.mostKeys) this.#blocked.clear();
    this.#blocked.set(name, performance.now() + ms);
  }

  #report(): void {
    const nowMs = performance.now();
    if (nowMs < this.#reportAtMs) return;
    this.#reportAtMs = nowMs + REPORT_MS;
    const use = (processes: number): void => {
      this.#processes = Math.max(1, processes);
    };
    // The next requests notice that the store is away, too.
    this.#parts.shared.countProcesses().then(use, () => {});
  }

  #logOutage(error: unknown): void {
    const nowMs = performance.now();
    if (nowMs < this.#logAtMs) return;
    this.#logAtMs = nowMs + LOG_MS;
    const { log, isStrict } = this.#parts;
    const effect = isStrict ? 'limited requests get 503' : 'each process counts its own requests';
    log.warn(`rate limits are not shared: ${effect} until the store is back`, {
      code: 'store_unavailable',
      reason: messageOf(error),
    });
  }
}

/** Rejects after WAIT_MS. */
function inTime(take: Promise<Take>): Promise<Take> {
  return new Promise((resolve, reject) => {
    const late = new Error(`no reply within ${WAIT_MS} ms`);
    // When the loop stood still, a reply may be there that is not read yet: it is read before `setImmediate` calls.
    const timer = setTimeout(() => setImmediate(reject, late), WAIT_MS);
    take.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
