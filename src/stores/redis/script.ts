import { createHash } from 'node:crypto';

/** How much of Redis a script needs to work: a replica still reads, and one without memory still takes things away. */
export type Needs = 'reading' | 'writing' | 'memory';

/** One verb of a store, as Redis runs it: whole, with nothing else in between. */
export interface Script {
  readonly lua: string;
  /** By which a server that has met the script before knows it. */
  readonly sha: string;
  readonly needs: Needs;
}

export function toScript(needs: Needs, lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex'), needs };
}
