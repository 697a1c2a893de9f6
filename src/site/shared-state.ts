import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { Log } from '../contract/log.ts';
import type { Purging } from '../contract/purging.ts';
import { BanTable } from '../stores/ban-table.ts';
import { SharedTier } from '../stores/cache-tier.ts';
import { LazyStore } from '../stores/lazy-store.ts';
import { openStore } from '../stores/open.ts';

/** What this process shares with others that serve the same site. Nothing of it is opened before its first use. */
export interface SharedState {
  readonly store: LazyStore;
  readonly bans: BanTable;
  readonly tier: SharedTier;
  readonly purging: Purging;
  /** Call it after the last use. */
  close(): Promise<void>;
}

export function openSharedState(config: Config, log: Log): SharedState {
  const store = new LazyStore(() => openStore(config, log));
  const cacheStore = store.cache(config.CACHE_DISK);
  const bans = new BanTable(cacheStore);
  return {
    store,
    bans,
    tier: new SharedTier(cacheStore, bans),
    purging: { token: randomUUID(), purge: (tags) => bans.ban(tags) },
    async close() {
      bans.close();
      await store.close();
    },
  };
}
