import type { Log } from '../../../contract/log.ts';
import type { ProjectLimits } from '../../../contract/project.ts';
import { FunctionLimits } from '../../../http/function-limits.ts';
import { StreamLimits } from '../../../http/stream-limits.ts';

/** The limits of one call of a function. */
export interface CallLimits {
  /** From the call to the head of the response, in milliseconds; 0: no limit. */
  readonly timeoutMs: number;
  readonly call: FunctionLimits;
  readonly stream: StreamLimits;
}

/** The limits of all functions of a site. Functions with the same timeout share one object. */
export class AllCallLimits {
  readonly #project: ProjectLimits;
  readonly #log: Log;
  readonly #byTimeout = new Map<number | undefined, CallLimits>();

  constructor(project: ProjectLimits, log: Log) {
    this.#project = project;
    this.#log = log;
  }

  /**
   * `timeoutMs`: from the function's own settings. A stream may take at least that long, because it
   * is part of the same call.
   */
  of(timeoutMs?: number): CallLimits {
    const known = this.#byTimeout.get(timeoutMs);
    if (known) return known;
    const limits = this.#make(timeoutMs);
    this.#byTimeout.set(timeoutMs, limits);
    return limits;
  }

  #make(own: number | undefined): CallLimits {
    const { bodyBytes, timeoutMs, streamMs, streamBytes } = this.#project;
    const timeMs = streamMs === 0 ? 0 : Math.max(streamMs, own ?? 0);
    return {
      timeoutMs: own ?? timeoutMs,
      call: new FunctionLimits({ bodyBytes, timeoutMs: own ?? timeoutMs, log: this.#log }),
      stream: new StreamLimits({ timeMs, bytes: streamBytes }),
    };
  }
}
