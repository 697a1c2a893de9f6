import * as kind from './setting.ts';
import { setting } from './setting.ts';

/** The settings of cached responses. */
export const CACHE_SETTINGS = {
  CACHE: setting(
    kind.oneOf('functions', 'all', 'off'),
    'functions',
    'whose responses are cached as their headers allow it: those of functions; all: also those of the next hop; off: none',
  ),
  CACHE_MEMORY: setting(kind.size, '64m', 'most bytes of cached responses in the memory of each process; 0: none'),
  CACHE_OBJECT_LIMIT: setting(kind.size, '5m', 'largest body of a response that is cached'),
  CACHE_DISK: setting(
    kind.size,
    '512m',
    'most bytes of cached responses in DATA_DIR that outlive the process (durable, and those of the Cache API); 0: none',
  ),
  PURGE_TOKEN: setting(
    kind.anyText,
    '',
    'token for requests to /.well-known/nexthop/purge, which purge cached responses; empty: there is no such path',
  ),
  PURGE_RATE: setting(
    kind.whole(0, 1_000_000),
    '0',
    'purges of one tag, or of everything, in five seconds; further ones get 429; 0: no limit',
  ),
} as const;
