import { readFileSync } from 'node:fs';

/** The version of the nexthop that runs. */
export function readVersion(): string {
  return String(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version);
}
