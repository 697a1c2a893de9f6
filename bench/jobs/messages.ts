/** What an actor is asked to do. */
export type Asked =
  /** Push jobs of 1 KB for so long, so many at once. */
  | { readonly kind: 'push'; readonly seconds: number; readonly atOnce: number }
  /** Push so many. */
  | { readonly kind: 'fill'; readonly count: number }
  /** Begin to run jobs that do nothing. */
  | { readonly kind: 'work'; readonly concurrency: number }
  /** The same, and tell when `count` were run behind the first `warmUp`. */
  | {
      readonly kind: 'run';
      readonly concurrency: number;
      readonly warmUp: number;
      readonly count: number;
      readonly redisPid: number;
    }
  /** Push one now and then, which carries its time. */
  | { readonly kind: 'trickle'; readonly count: number; readonly everyMs: number }
  /** Tell how long those took from before their push to their run. */
  | { readonly kind: 'latencies' }
  | { readonly kind: 'close' };

/** What an actor tells. */
export type Told =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done' }
  | { readonly kind: 'pushed'; readonly jobs: number; readonly seconds: number }
  /** How long those took, and how much CPU here and in Redis. */
  | { readonly kind: 'ran'; readonly seconds: number; readonly cpuMs: number; readonly redisMs: number }
  | { readonly kind: 'latencies'; readonly latenciesMs: readonly number[] };
