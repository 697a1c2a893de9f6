import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { Fault } from '../contract/fault.ts';
import { UserError } from '../contract/user-error.ts';
import { hasProcess } from '../process/control-socket.ts';
import { BanTable } from '../stores/ban-table.ts';
import { CACHE_FILE } from '../stores/sqlite/open.ts';
import { defineCommand, type Out } from './command.ts';
import { useStore } from './use-store.ts';

export const command = defineCommand({
  forms: ['purge [--tag=TAG...] [SITE]'],
  about:
    'Purges cached responses in each nexthop that uses the store of the site: the DATA_DIR, or the Redis of REDIS_URL. Without a tag it purges all of them. Functions are called again for the next requests.',
  flags: {
    tag: { value: 'TAG', about: 'only responses with this tag; may be given more than once', separator: ',' },
    json: { about: 'print one JSON object' },
  },
  examples: [
    [
      'nexthop purge --tag=news --tag=sports my-site',
      'the responses whose Netlify-Cache-Tag or Cache-Tag names one of both',
    ],
    ['nexthop purge --redis-url=redis://10.0.0.5', 'all responses, in each container'],
  ],
  exits: { 0: 'purged', 1: 'there is no cache, or the store cannot be used' },
  run: ({ config, out, complain, flags }) => purge(config, out, { complain, ...flags }),
});

/** The store cannot be used. The message is for the operator. */
class PurgeError extends UserError {
  override readonly name = 'PurgeError';
}

interface PurgeOptions {
  /** Prints a line for a person, apart from the result. */
  readonly complain: Out;
  /** Tags with commas between; undefined: everything. */
  readonly tag?: string;
  /** Prints one JSON object instead of a line. */
  readonly json?: boolean;
}

/** Resolves with the exit code. */
async function purge(config: Config, out: Out, { tag: tags, json = false, complain }: PurgeOptions): Promise<number> {
  const { REDIS_URL, DATA_DIR, CACHE_DISK } = config;
  // A server may have responses in memory before it has opened the store.
  const isRunning = REDIS_URL ? 'unknown' : await hasProcess(DATA_DIR).catch(() => 'unknown' as const); // of another user
  if (!isRunning && !existsSync(join(DATA_DIR, CACHE_FILE))) {
    throw new PurgeError(
      `nothing was purged: no nexthop runs with DATA_DIR ${DATA_DIR}, and no responses are stored there; name the site, or its DATA_DIR`,
    );
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
  if (json) out(JSON.stringify({ purged: names ?? 'everything' }, undefined, 2));
  else out(names ? `purged ${names.join(', ')}` : 'purged all cached responses');
  if (!isRunning)
    complain(`no nexthop runs with DATA_DIR ${DATA_DIR}: this holds for the responses that are stored there`);
  return 0;
}
