import type { Deadlines } from '../contract/deadlines.ts';

/** State that the connections of one pool share. */
export interface OriginRules {
  readonly host: string;
  readonly port: number;
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  readonly deadlines: Deadlines;
  readonly connectTicks: number;
  readonly firstByteTicks: number;
  readonly idleTicks: number;
  readonly keepAliveTicks: number;
}
