import type { Log } from '../contract/log.ts';
import { logProblems, type Problem } from '../contract/problem.ts';

/**
 * Result of a reload: a new site is in use, or the previous one is kept, with the reason.
 * `problems`: those of the site that was read.
 */
export type Reload =
  | {
      readonly state: 'exchanged';
      readonly routes: number;
      readonly files: number;
      readonly tookMs: number;
      readonly problems: readonly Problem[];
    }
  | { readonly state: 'kept'; readonly reason: string; readonly problems: readonly Problem[] };

export interface ReloadLogging {
  /** The result of another process that serves the same site, and has logged it. */
  readonly logged?: Reload | undefined;
  /** Why the site could not be read. */
  readonly error?: unknown;
}

/** Logs a result and its problems, unless another process has logged the same. Returns the result. */
export function logReload(log: Log, reload: Reload, { logged, error }: ReloadLogging): Reload {
  if (logged && toText(logged) === toText(reload)) return reload;
  logProblems(log, reload.problems);
  if (reload.state === 'kept') {
    log.error('the site was read again and was refused; the previous one stays in use', {
      reason: reload.reason,
      ...(error !== undefined && { error }),
    });
  } else {
    const { routes, files, tookMs } = reload;
    log.info('the site was read again and replaced the previous one', { routes, files, took_ms: tookMs });
  }
  return reload;
}

/** A result as text, for a comparison with that of another process, which was sent as JSON. Without the time that the reading took, which differs. */
function toText(reload: Reload): string {
  return JSON.stringify({ ...reload, tookMs: 0 });
}
