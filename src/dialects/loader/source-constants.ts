import { dirname } from 'node:path';
import { HOOKS } from './module-hooks.ts';
import { PATH_OF, URL_OF } from './place-module.ts';

/**
 * Everything lands in one file, but code must find its neighbours (data, templates) where it was written.
 * esbuild replaces these only where they are free: a user's own `const __dirname` is left alone.
 */
export const SOURCE_CONSTANTS: Record<string, string> = {
  __filename: '__nexthop_filename',
  __dirname: '__nexthop_dirname',
  'import.meta.filename': '__nexthop_filename',
  'import.meta.dirname': '__nexthop_dirname',
  'import.meta.url': '__nexthop_url',
  // esbuild does not touch it, and the bundle stands elsewhere.
  'require.resolve': '__nexthop_require_resolve',
};

const MENTIONS = /\b__(?:file|dir)name\b|\bimport\s*\.\s*meta\b/;
const RESOLVES = /\brequire\s*\.\s*resolve\b/;

/**
 * What declares the constants that a text uses; '' for none. It goes in front of the first line, so that all others keep their numbers. The file is
 * relative to the site, wherever that will be.
 */
export function toConstants(text: string, file: string): string {
  const [name, folder] = [file, dirname(file)].map((path) => JSON.stringify(path));
  const places = `__nexthop_filename=${PATH_OF}(${name}),__nexthop_dirname=${PATH_OF}(${folder}),__nexthop_url=${URL_OF}(${name})`;
  const resolve = `__nexthop_require_resolve=${HOOKS}.requireFrom(${name}).resolve`;
  const constants = [...(MENTIONS.test(text) ? [places] : []), ...(RESOLVES.test(text) ? [resolve] : [])];
  return constants.length > 0 ? `var ${constants.join(',')};` : '';
}
