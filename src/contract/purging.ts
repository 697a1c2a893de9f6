/** Purges cached responses of one site. */
export interface Purging {
  /** By which code of the site may ask for a purge. Different at each start, and known to this process only. */
  readonly token: string;
  /** Resolves when the store has it. Holds in this process at once, also if it rejects with `store_unavailable`. */
  purge(tags: readonly string[] | 'everything'): Promise<void>;
}
