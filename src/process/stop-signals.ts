import { constants } from 'node:os';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * On Ctrl-C the terminal sends SIGINT to this process, and npm forwards it once more: one key, two
 * signals. A person needs longer for a second key press.
 */
export const ECHO_MS = 300;

export interface StopSignal {
  readonly name: NodeJS.Signals;
  /** The exit code of a process that this signal ends. */
  readonly code: number;
  /** `first`: begin to drain. `echo`: the same key press. `second`: end at once. */
  readonly kind: 'first' | 'echo' | 'second';
}

/** Calls `handle` for each signal that is to end the process. */
export function onStopSignal(handle: (signal: StopSignal) => void): void {
  let firstAtMs: number | undefined;
  for (const name of SIGNALS) {
    process.on(name, () => {
      const nowMs = performance.now();
      const kind = firstAtMs === undefined ? 'first' : nowMs - firstAtMs > ECHO_MS ? 'second' : 'echo';
      firstAtMs ??= nowMs;
      handle({ name, code: 128 + constants.signals[name], kind });
    });
  }
}

/** Printed at the first signal. */
export function describeDrain(name: NodeJS.Signals): string {
  return `${name}: finishing running requests and jobs; a second signal ends at once`;
}
