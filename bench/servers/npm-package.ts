import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Found } from './server.ts';

export const PACKAGES = join(import.meta.dirname, '..', 'node_modules');

/** Finds one of the packages that are installed in bench/. */
export function findPackage(name: string): Found {
  const file = join(PACKAGES, name, 'package.json');
  if (!existsSync(file)) return { missing: 'npm ci in bench/' };
  return { version: String(JSON.parse(readFileSync(file, 'utf8')).version) };
}
