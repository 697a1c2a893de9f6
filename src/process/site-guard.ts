import { sep } from 'node:path';
import { ExitError, isReported } from '../contract/exit-error.ts';
import type { Log } from '../contract/log.ts';
import { isOwn } from '../contract/stack-frame.ts';
import { Caller, type CodeLocation, isOfGuard } from './caller.ts';
import { toRealPath } from './real-path.ts';
import { currentCall } from './site-calls.ts';

export interface SiteGuardParts {
  readonly log: Log;
  /** Absolute path of the site. */
  readonly site: string;
  /**
   * Set if the process belongs to another program: whether a file, by its absolute path, is code
   * that nexthop loaded for the site. Undefined: all code in the process is the site's, except that
   * of Node and nexthop.
   */
  readonly isSiteCode?: (path: string) => boolean;
}

/** The same call at the same location is logged at most once in this time. */
const QUIET_MS = 60_000;
const MOST_KEYS = 1000;

/** Finds out whether code of the site makes a call, and stops calls that it must not make. */
export class SiteGuard {
  readonly #log: Log;
  readonly #site: string;
  readonly #isSiteCode: SiteGuardParts['isSiteCode'];
  readonly #reportedAtMs = new Map<string, number>();
  #isReleased = false;

  constructor({ log, site, isSiteCode }: SiteGuardParts) {
    this.#log = log;
    this.#site = toRealPath(site);
    this.#isSiteCode = isSiteCode;
  }

  /** Absolute path of the site, without links. */
  get site(): string {
    return this.#site;
  }

  /** True if the process belongs to another program. */
  get isHosted(): boolean {
    return this.#isSiteCode !== undefined;
  }

  /** Stops guarding. */
  release(): void {
    this.#isReleased = true;
  }

  /**
   * The calling code, if it is the site's. `neverByNode`: Node itself never calls this method; a
   * stack with Node's code only then means that the site passed the method to Node, as in
   * `setTimeout(exit, 100)`.
   */
  findSiteCaller({ neverByNode = false }: { readonly neverByNode?: boolean } = {}): Caller | undefined {
    if (this.#isReleased) return undefined;
    const caller = new Caller();
    if (caller.isByOwn || (caller.isByNode && !neverByNode)) return undefined;
    return this.#isOfSite(caller) ? caller : undefined;
  }

  /**
   * Ends the SiteCall of the running code instead of the process. The SiteCall reports the error;
   * if it is over, the log does. Throws, so that the code does not continue; returns if an
   * exception would end the process.
   */
  endCall(what: string, caller: Caller): void {
    const error = new ExitError(
      `${this.#at(what, caller)} does not end the process: throw an Error, or return a response`,
    );
    withoutGuard(error);
    const isOfCall = currentCall()?.end(error) ?? false;
    if (!isOfCall) this.#report({ key: this.#at(what, caller) }, () => this.#log.error(error.message, { error }));
    error.report();
    const ends = this.isHosted ? !caller.isCalledByOwn : caller.isFatal;
    if (!ends) throw error;
  }

  /** Throws instead of the call, and logs it, since the code may catch the exception. */
  forbid(what: string, why: string, caller: Caller): never {
    const error = withoutGuard(new Error(`${this.#at(what, caller)} is not allowed: ${why}`));
    this.#report({ key: this.#at(what, caller) }, () => this.#log.error(error.message, { error }));
    throw error;
  }

  /** Logs a call that has no effect. */
  ignore(what: string, why: string, caller: Caller): void {
    const location = caller.locationIn(this.#site);
    this.#report({ key: this.#at(what, caller) }, () =>
      this.#log.warn(`${this.#at(what, caller)} ${why}`, { ...location }),
    );
  }

  /** Logs a call that has no effect, once for each file and reason. */
  ignoreInFile(what: string, why: string, caller: Caller): void {
    const location = caller.locationIn(this.#site);
    const code = currentCall()?.calledCode;
    const file = location && !isInPackage(location) ? location.file : (code ?? location?.file);
    this.#report({ key: `${why} ${file}`, quietMs: Infinity }, () =>
      this.#log.warn(`${this.#at(what, caller)} ${why}`, { ...location, target: code }),
    );
  }

  /** One warning for each key. */
  warnOnce(key: string, text: string, details: Readonly<Record<string, unknown>>): void {
    this.#report({ key, quietMs: Infinity }, () => this.#log.warn(text, details));
  }

  /** Logs an exception of a listener of the process. */
  reportThrown(event: string, error: unknown): void {
    if (!isReported(error)) this.#log.error('a listener of the process failed', { origin: event, error });
  }

  #isOfSite({ owner }: Caller): boolean {
    if (!this.#isSiteCode || (owner !== undefined && (isOwn(owner) || this.#isSiteCode(owner)))) return true;
    // For packages, and files that the program and the site share, only the SiteCall shows for
    // which of them they run.
    return currentCall() !== undefined && (owner === undefined || owner.startsWith(this.#site + sep));
  }

  #at(what: string, caller: Caller): string {
    const location = caller.locationIn(this.#site);
    const at = location ? `${what} at ${location.file}:${location.line}:${location.column}` : what;
    const code = currentCall()?.calledCode;
    // After an `await` in a package, nothing of the site is on the stack.
    return (location && !isInPackage(location)) || code === undefined ? at : `${at}, called for ${code},`;
  }

  #report({ key, quietMs = QUIET_MS }: { readonly key: string; readonly quietMs?: number }, report: () => void): void {
    const nowMs = performance.now();
    const beforeMs = this.#reportedAtMs.get(key);
    if (beforeMs !== undefined && nowMs - beforeMs < quietMs) return;
    // Keys contain arguments, which may differ in each call.
    if (this.#reportedAtMs.size >= MOST_KEYS) this.#reportedAtMs.clear();
    this.#reportedAtMs.set(key, nowMs);
    report();
  }
}

function isInPackage({ file }: CodeLocation): boolean {
  return file.includes(`node_modules${sep}`);
}

/** Removes the guard's own lines from an error's stack. */
function withoutGuard(error: Error): Error {
  const lines = error.stack?.split('\n') ?? [];
  error.stack = lines.filter((line) => !isOfGuard(line)).join('\n');
  return error;
}
