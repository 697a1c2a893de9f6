/**
 * Thrown by `process.exit` and the like when code of a site calls them, instead of ending the
 * process.
 */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  #isReported = false;

  /** True if the log, or the call that it ended, reports it: code that catches it need not. */
  get isReported(): boolean {
    return this.#isReported;
  }

  report(): void {
    this.#isReported = true;
  }
}

/** Whether an error is an ExitError that is already reported. */
export function isReported(error: unknown): boolean {
  return error instanceof ExitError && error.isReported;
}
