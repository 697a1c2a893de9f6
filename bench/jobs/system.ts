/** A queue of jobs as the bench sees it: nexthop's on one of its stores, or a peer. */
export interface System {
  /** Resolves when the job is taken. */
  push(payload: string): Promise<unknown>;
  /** From now on runs jobs in this process, so many at a time: calls `run`, and the job is done. */
  work(concurrency: number, run: (payload: string) => void): void;
  close(): Promise<void>;
}

/** Where a system keeps its jobs. */
export interface Location {
  /** 0: not on Redis. */
  readonly redisPort: number;
  /** Empty at first. */
  readonly folder: string;
  /** Whether what is in the folder survives a loss of power. */
  readonly fsync: boolean;
}

/** What the module of a system exports as `open`. */
export type OpenSystem = (place: Location) => Promise<System>;

/** What is compared. */
export interface Contestant {
  readonly name: string;
  /** Beside this file. */
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
