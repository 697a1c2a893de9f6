import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { Fault } from '../contract/fault.ts';
import { UserError } from '../contract/user-error.ts';
import { BanTable } from '../stores/ban-table.ts';
import { defineCommand } from './command.ts';
import { useStore } from './use-store.ts';

export const command = defineCommand({
  forms: ['purge [--tag=TAG...] [SITE]'],
  about:
    'Purges cached responses in each nexthop that uses the store of the site: the DATA_DIR, or the Redis of REDIS_URL. Without a tag it purges all of them. Functions are called again for the next requests.',
  flags: { tag: { value: 'TAG', about: 'only responses with this tag; may be given more than once', isList: true } },
  examples: [
    [
      'nexthop purge --tag=news --tag=sports my-site',
      'the responses whose Netlify-Cache-Tag or Cache-Tag names one of both',
    ],
    ['nexthop purge --redis-url=redis://10.0.0.5', 'all responses, in each container'],
  ],
  exits: { 0: 'purged', 1: 'there is no cache, or the store cannot be used' },
  run: ({ config, out, flags }) => purge(config, out, flags.tag),
});

/** The store cannot be used. The message is for the operator. */
class PurgeError extends UserError {
  override readonly name = 'PurgeError';
}

/** `tags`: with commas between; undefined: everything. Resolves with the exit code. */
async function purge(config: Config, out: (line: string) => void, tags?: string): Promise<number> {
  const { REDIS_URL, DATA_DIR, CACHE_DISK } = config;
  // The server may have responses in memory before it has opened the store.
  if (!REDIS_URL && !existsSync(DATA_DIR)) {
    throw new PurgeError(`there is no folder ${DATA_DIR}, so nothing is cached there; name the site, or its DATA_DIR`);
  }
  const names = tags?.split(',').flatMap((tag) => tag.trim() || []);
  if (names?.length === 0) throw new PurgeError('--tag needs a tag, e.g. --tag=news; without --tag all is purged');
  try {
    await useStore(config, async (store) => {
      const bans = new BanTable(store.cache(CACHE_DISK));
      await bans.ban(names ?? 'everything').finally(() => bans.close());
    });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new PurgeError(`nothing was purged: ${error.message}`, { cause: error });
  }
  out(names ? `purged ${names.join(', ')}` : 'purged all cached responses');
  return 0;
}
