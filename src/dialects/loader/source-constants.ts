import { dirname } from 'node:path';
import { HOOKS } from './module-hooks.ts';
import { PATH_OF, URL_OF } from './place-module.ts';

/**
 * All files are bundled into one, but their code must find data and templates beside its source
 * file. esbuild replaces these names only where they are not declared: a user's own `const
 * __dirname` stays.
 */
export const SOURCE_CONSTANTS: Record<string, string> = {
  __filename: '__nexthop_filename',
  __dirname: '__nexthop_dirname',
  'import.meta.filename': '__nexthop_filename',
  'import.meta.dirname': '__nexthop_dirname',
  'import.meta.url': '__nexthop_url',
  'import.meta': '__nexthop_meta',
  // These timers end with the code.
  ...Object.fromEntries(
    ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'].flatMap((name) =>
      [name, `globalThis.${name}`].map((key) => [key, `${HOOKS}.timers.${name}`]),
    ),
  ),
  // esbuild leaves it unchanged, and it would resolve from the folder of the bundle.
  'require.resolve': '__nexthop_require_resolve',
};

const MENTIONS = /\b__(?:file|dir)name\b|\bimport\s*\.\s*meta\b/;
/** Of `import.meta` itself, or a member without a constant. */
const META = /\bimport\s*\.\s*meta\b(?!\s*\.\s*(?:url|filename|dirname)\b)/;
const RESOLVES = /\brequire\s*\.\s*resolve\b/;

/**
 * Code that declares the constants that a text uses; '' if it uses none. The code is put in front
 * of the first line, so that line numbers do not change. `file`: relative to the site.
 */
export function toConstants(text: string, file: string): string {
  const [name, folder] = [file, dirname(file)].map((path) => JSON.stringify(path));
  const paths = `__nexthop_filename=${PATH_OF}(${name}),__nexthop_dirname=${PATH_OF}(${folder}),__nexthop_url=${URL_OF}(${name})`;
  const meta = `__nexthop_meta=${HOOKS}.metaOf(${name})`;
  const resolve = `__nexthop_require_resolve=${HOOKS}.requireFrom(${name}).resolve`;
  const constants = [
    ...(MENTIONS.test(text) ? [paths] : []),
    ...(META.test(text) ? [meta] : []),
    ...(RESOLVES.test(text) ? [resolve] : []),
  ];
  return constants.length > 0 ? `var ${constants.join(',')};` : '';
}
