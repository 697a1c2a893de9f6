import { sep } from 'node:path';
import type { Log } from '../contract/log.ts';
import { Caller, type CodePlace, isOfGuard, isOwn } from './caller.ts';
import { ExitError, isReported } from './exit-error.ts';
import { toRealPath } from './real-path.ts';
import { currentCall } from './site-calls.ts';

export interface SiteGuardParts {
  readonly log: Log;
  /** Absolute path of the site. */
  readonly site: string;
  /**
   * Where the process belongs to another program: whether a file, by its absolute path, is code that nexthop loaded for the site. Undefined: all code in
   * the process is the site's, but Node's and nexthop's own.
   */
  readonly isSiteCode?: (path: string) => boolean;
}

/** What one place does again and again is reported once in this time. */
const QUIET_MS = 60_000;
const MOST_PLACES = 1000;

/** Tells code of the site from all other code in the process, and says what becomes of what it may not do there. */
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

  /** The process belongs to another program. */
  get isHosted(): boolean {
    return this.#isSiteCode !== undefined;
  }

  /** From now on it stands in nobody's way. */
  release(): void {
    this.#isReleased = true;
  }

  /**
   * The code that calls, if it is the site's. `neverByNode`: Node does not call this by itself, so that a stack without any other code is that of a
   * function which was handed to Node, as in `setTimeout(exit, 100)`.
   */
  findSiteCaller({ neverByNode = false }: { readonly neverByNode?: boolean } = {}): Caller | undefined {
    if (this.#isReleased) return undefined;
    const caller = new Caller();
    if (caller.isByOwn || (caller.isByNode && !neverByNode)) return undefined;
    return this.#isOfSite(caller) ? caller : undefined;
  }

  /**
   * Ends the call for which the code works, in the place of the process; the call reports it, or, where it is over, a line of the log. Throws, so that nothing
   * after it runs; it returns where that would end the process.
   */
  endCall(what: string, caller: Caller): void {
    const error = new ExitError(
      `${this.#at(what, caller)} does not end the process: throw an Error, or return an answer`,
    );
    withoutGuard(error);
    const isOfCall = currentCall()?.end(error) ?? false;
    if (!isOfCall) this.#report({ key: this.#at(what, caller) }, () => this.#log.error(error.message, { error }));
    error.report();
    const ends = this.isHosted ? !caller.isCalledByOwn : caller.isFatal;
    if (!ends) throw error;
  }

  /** Fails what is called. A line of the log tells of it, since the code may catch what is thrown. */
  forbid(what: string, why: string, caller: Caller): never {
    const error = withoutGuard(new Error(`${this.#at(what, caller)} is not allowed: ${why}`));
    this.#report({ key: this.#at(what, caller) }, () => this.#log.error(error.message, { error }));
    throw error;
  }

  /** What is called does nothing. A line of the log tells of it. */
  ignore(what: string, why: string, caller: Caller): void {
    const place = caller.placeIn(this.#site);
    this.#report({ key: this.#at(what, caller) }, () =>
      this.#log.warn(`${this.#at(what, caller)} ${why}`, { ...place }),
    );
  }

  /** The same, with one line for each file of the code and each thing that it calls. */
  ignoreInFile(what: string, why: string, caller: Caller): void {
    const place = caller.placeIn(this.#site);
    const code = currentCall()?.calledCode;
    const file = place && !isInPackage(place) ? place.file : (code ?? place?.file);
    this.#report({ key: `${why} ${file}`, quietMs: Infinity }, () =>
      this.#log.warn(`${this.#at(what, caller)} ${why}`, { ...place, target: code }),
    );
  }

  /** One warning for each key. */
  warnOnce(key: string, text: string, fields: Readonly<Record<string, unknown>>): void {
    this.#report({ key, quietMs: Infinity }, () => this.#log.warn(text, fields));
  }

  /** What a listener of the process throws: it must neither end the process nor keep other listeners from their turn. */
  reportThrown(event: string, error: unknown): void {
    if (!isReported(error)) this.#log.error('a listener of the process failed', { origin: event, error });
  }

  #isOfSite({ owner }: Caller): boolean {
    if (!this.#isSiteCode || (owner !== undefined && (isOwn(owner) || this.#isSiteCode(owner)))) return true;
    // Of packages, and of files that program and site share, nothing else tells for whom they run.
    return currentCall() !== undefined && (owner === undefined || owner.startsWith(this.#site + sep));
  }

  #at(what: string, caller: Caller): string {
    const place = caller.placeIn(this.#site);
    const at = place ? `${what} at ${place.file}:${place.line}:${place.column}` : what;
    const code = currentCall()?.calledCode;
    // After an `await` in a package, nothing of the site is on the stack.
    return (place && !isInPackage(place)) || code === undefined ? at : `${at}, called for ${code},`;
  }

  #report({ key, quietMs = QUIET_MS }: { readonly key: string; readonly quietMs?: number }, report: () => void): void {
    const nowMs = performance.now();
    const beforeMs = this.#reportedAtMs.get(key);
    if (beforeMs !== undefined && nowMs - beforeMs < quietMs) return;
    // Arguments that are never the same would fill it.
    if (this.#reportedAtMs.size >= MOST_PLACES) this.#reportedAtMs.clear();
    this.#reportedAtMs.set(key, nowMs);
    report();
  }
}

function isInPackage({ file }: CodePlace): boolean {
  return file.includes(`node_modules${sep}`);
}

/** The stack begins where the code of the site called. */
function withoutGuard(error: Error): Error {
  const lines = error.stack?.split('\n') ?? [];
  error.stack = lines.filter((line) => !isOfGuard(line)).join('\n');
  return error;
}
