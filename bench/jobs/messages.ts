/** A command to an actor. */
export type Command =
  /** Push jobs of 1 KB for `seconds`, `atOnce` at a time. */
  | { readonly kind: 'push'; readonly seconds: number; readonly atOnce: number }
  /** Push `count` jobs. */
  | { readonly kind: 'fill'; readonly count: number }
  /** Start to run jobs, which do nothing. */
  | { readonly kind: 'work'; readonly concurrency: number }
  /** The same, and reply when `count` jobs have run after the first `warmUp`. */
  | {
      readonly kind: 'run';
      readonly concurrency: number;
      readonly warmUp: number;
      readonly count: number;
      readonly redisPid: number;
    }
  /** Push `count` jobs, one every `everyMs`, whose payload is the time of their push. */
  | { readonly kind: 'trickle'; readonly count: number; readonly everyMs: number }
  /** Reply with the times from the push of those jobs to their run. */
  | { readonly kind: 'latencies' }
  | { readonly kind: 'close' };

/** A reply of an actor. */
export type Reply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done' }
  | { readonly kind: 'pushed'; readonly jobs: number; readonly seconds: number }
  /** The time that the jobs took, and the CPU time of the actor and of Redis. */
  | { readonly kind: 'ran'; readonly seconds: number; readonly cpuMs: number; readonly redisMs: number }
  | { readonly kind: 'latencies'; readonly latenciesMs: readonly number[] };
