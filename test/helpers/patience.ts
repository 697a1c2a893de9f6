/**
 * How long a test waits for an event before it fails; milliseconds. On a quiet machine nearly every event takes less than a hundredth of it. It is this
 * long because tests also have to pass while other processes use every core.
 */
export const PATIENCE_MS = 60_000;

/** The longest that something may take which nexthop promises to do at once, or within a second. Milliseconds; a loaded machine is ten times slower. */
export const SOON_MS = 15_000;
