/**
 * How long a test waits for an event before it fails; milliseconds. On a quiet machine nearly every event takes less than a hundredth of it. It is this
 * long because tests also have to pass while other processes use every core.
 */
export const PATIENCE_MS = 60_000;
