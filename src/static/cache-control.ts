import { isImmutable } from './is-immutable.ts';

const FOR_EVER = 'public, max-age=31536000, immutable';

/** It may be kept, and costs a 304 each time; whoever deploys need not wait for anybody's cache. */
export const ASK_AGAIN = 'public, max-age=0, must-revalidate';

/** How long a file may be kept by whoever has it. `path` is relative to the folder; `immutable` are the paths below which no file changes without its name. */
export function cacheControlOf(path: string, immutable: readonly string[] = []): string {
  const isBelow = immutable.some((prefix) => `/${path}`.startsWith(prefix));
  return isBelow || isImmutable(path) ? FOR_EVER : ASK_AGAIN;
}
