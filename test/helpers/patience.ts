/**
 * Milliseconds for which a test waits for an event before it fails. On a quiet machine nearly every event takes less than a hundredth of it. It is long
 * because tests must also pass while other processes use all cores.
 */
export const PATIENCE_MS = 60_000;

/** Milliseconds that an action may take which nexthop guarantees immediately or within a second, because a loaded machine is ten times slower. */
export const SOON_MS = 15_000;
