const SIGNALS = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * Holds the signals that a running server handles, from its creation until the server has loaded.
 * Without a listener, SIGHUP and SIGUSR2 end the process, and SIGUSR1 opens Node's inspector, which
 * is a second port.
 */
export class EarlySignals {
  readonly #received = new Set<NodeJS.Signals>();
  readonly #hold = (signal: NodeJS.Signals): void => void this.#received.add(signal);

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#hold);
  }

  /** Passes each held signal once to the listeners that the server has added. */
  release(): void {
    for (const signal of SIGNALS) process.off(signal, this.#hold);
    for (const signal of this.#received) process.emit(signal, signal);
  }

  /** For a command without a server: SIGHUP and SIGUSR2 end the process, SIGUSR1 has no effect. */
  useDefaults(): void {
    for (const signal of ['SIGHUP', 'SIGUSR2'] as const) {
      process.off(signal, this.#hold);
      if (this.#received.has(signal)) process.kill(process.pid, signal);
    }
  }
}
