import { createRequire } from 'node:module';
import type * as Ioredis from 'ioredis';

const require = createRequire(import.meta.url);

/** The client library, loaded when Redis is used first: a tenth of what a short command costs would go into it. Node loads it once. */
export function ioredis(): typeof Ioredis {
  // It is CommonJS, which `require` loads at once; that what it finds has these types it cannot say.
  return require('ioredis') as typeof Ioredis;
}
