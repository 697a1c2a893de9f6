import { createHash } from 'node:crypto';

/**
 * What Redis must be able to do for a script: a replica can still read, and a server without free
 * memory can still delete.
 */
export type Needs = 'reading' | 'writing' | 'memory';

/** One verb of a store. Redis runs it as one whole step. */
export interface Script {
  readonly lua: string;
  /** SHA-1 of `lua`, for EVALSHA. */
  readonly sha: string;
  readonly needs: Needs;
}

export function toScript(needs: Needs, lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex'), needs };
}
