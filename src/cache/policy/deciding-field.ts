import type { CacheRule } from '../../contract/cache.ts';
import { findHeader } from '../../contract/header-list.ts';
import { type Directives, readCacheControl, readTargeted } from './directives.ts';

/** The field that decides about storing a response. All others are not looked at (RFC 9213 2.2). */
export interface DecidingField {
  readonly name: 'netlify-cdn-cache-control' | 'cdn-cache-control' | 'cache-control';
  readonly directives: Directives;
}

const TARGETED = ['netlify-cdn-cache-control', 'cdn-cache-control'] as const;

/** The first field of a response that is there and valid. `headers`: flat. Undefined if none of those that count is. */
export function findDecidingField(headers: readonly string[], fields: CacheRule['fields']): DecidingField | undefined {
  for (const name of TARGETED) {
    const field = findHeader(headers, name);
    const directives = field === undefined ? undefined : readTargeted(field);
    if (directives) return { name, directives };
  }
  const field = fields === 'all' ? findHeader(headers, 'cache-control') : undefined;
  return field === undefined ? undefined : { name: 'cache-control', directives: readCacheControl(field) };
}
