/** A job queue that the bench compares: nexthop's with one of its stores, or a peer. */
export interface System {
  /** Resolves when the job is accepted. */
  push(payload: string): Promise<unknown>;
  /** Starts to run jobs in this process, `concurrency` at a time. A job is done when `run` returns. */
  work(concurrency: number, run: (payload: string) => void): void;
  close(): Promise<void>;
}

/** Where a system stores its jobs. */
export interface Location {
  /** 0: not on Redis. */
  readonly redisPort: number;
  /** Empty at first. */
  readonly folder: string;
  /** Whether the data in the folder survives a loss of power. */
  readonly fsync: boolean;
}

/** The function `open` that the module of a system exports. */
export type OpenSystem = (location: Location) => Promise<System>;

/** One row of the comparison. */
export interface Contestant {
  readonly name: string;
  /** In the folder of this file. */
  readonly module: 'nexthop-system.ts' | 'bullmq-system.js';
  readonly onRedis: boolean;
  readonly fsync: boolean;
}

export const CONTESTANTS: readonly Contestant[] = [
  { name: 'nexthop, SQLite', module: 'nexthop-system.ts', onRedis: false, fsync: true },
  { name: 'nexthop, SQLite without fsync', module: 'nexthop-system.ts', onRedis: false, fsync: false },
  { name: 'nexthop, Redis', module: 'nexthop-system.ts', onRedis: true, fsync: true },
  { name: 'BullMQ, Redis', module: 'bullmq-system.js', onRedis: true, fsync: true },
];
