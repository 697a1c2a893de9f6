/** Of files that were made CommonJS. */
export const MADE_COMMON_JS = 'common-js';

/** The name of what loads the entries, which is no file. */
export const INDEX = 'index.nexthop.js';

/** Namespaces of modules that stand for others in a bundle. */
const NAMESPACES = [
  'built-in',
  'package',
  'module-package',
  'awaiting-package',
  'awaited-import',
  'awaited-package',
  'lost-import',
  'broken',
  MADE_COMMON_JS,
] as const;

/** Behind the path of a stand-in: by an extension such as `.mjs` esbuild would take it for what it stands for. */
export const SHIELD = '?';

export function withoutShield(path: string): string {
  return path.endsWith(SHIELD) ? path.slice(0, -SHIELD.length) : path;
}

/** What may stand between the bracket of a call and its first argument in esbuild's output, as a regular expression: it keeps some comments there. */
export const CALL_GAP = String.raw`(?:\s|/\*[\s\S]*?\*/|//[^\n]*\n)*`;

const PREFIX = new RegExp(`^(?:${NAMESPACES.join('|')}):`);
const KEY = new RegExp(`^(\\s*)"(?:${NAMESPACES.join('|')}):((?:[^"\\\\]|\\\\.)*)"(\\()`, 'gm');

/** The user's file behind a name in esbuild's lists and complaints; undefined for what only stands in for something else. */
export function toUsersFile(name: string): string | undefined {
  if (!PREFIX.test(name)) return name === INDEX ? undefined : name;
  return name.startsWith(`${MADE_COMMON_JS}:`) ? withoutShield(name.slice(MADE_COMMON_JS.length + 1)) : undefined;
}

/** The text of a bundle in which stand-ins have the names of what they stand for: their functions are named in stack traces. */
export function nameAfterOriginals(text: string): string {
  return text.replaceAll(
    KEY,
    (_, indent: string, path: string, end: string) => `${indent}"${withoutShield(path)}"${end}`,
  );
}

/** The same for a source map, as JSON. */
export function nameSourcesAfterOriginals(map: string): string {
  const { sources, ...others } = JSON.parse(map) as { readonly sources: readonly string[] }; // esbuild's own map
  return JSON.stringify({ ...others, sources: sources.map((source) => withoutShield(source.replace(PREFIX, ''))) });
}
