import { Fault } from '../../../contract/fault.ts';
import type { Run } from './invocation.ts';

/**
 * Stands for a function whose module does not load: each call rejects with `function_error`. Its address is not left to the hop, where something else
 * might answer in its name.
 */
export function toFailedRun(file: string, cause: unknown): Run {
  return async () => {
    throw new Fault('function_error', { message: `${file} is not loaded`, cause });
  };
}

/** The same, until its module has loaded after all; `later` resolves with undefined if nothing comes of it, and never rejects. */
export function toLateRun(file: string, later: Promise<Run | undefined>): Run {
  let run = toFailedRun(file, undefined);
  later.then((loaded) => {
    if (loaded) run = loaded;
  });
  return (invocation) => run(invocation);
}
