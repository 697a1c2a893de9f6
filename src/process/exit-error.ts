/** Thrown at code of a site that asks for the end of the process, which it does not get. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  #isReported = false;

  /** A line of the log, or the call that it ended, tells of it: whoever catches it need not. */
  get isReported(): boolean {
    return this.#isReported;
  }

  report(): void {
    this.#isReported = true;
  }
}

/** Whether a line of the log tells of this error already. */
export function isReported(error: unknown): boolean {
  return error instanceof ExitError && error.isReported;
}
