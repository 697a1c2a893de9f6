/** Namespace of files that were converted to CommonJS. */
export const MADE_COMMON_JS = 'common-js';

/** The name of the bundle's entry, which has no file. */
export const INDEX = 'index.nexthop.js';

/** Namespaces of modules that replace others in a bundle. */
const NAMESPACES = [
  'built-in',
  'named-built-in',
  'package',
  'module-package',
  'awaiting-package',
  'awaited-import',
  'awaited-package',
  'unresolved-import',
  'broken',
  'provided',
  MADE_COMMON_JS,
] as const;

/**
 * Appended to the path of a stand-in: otherwise esbuild would read an extension such as `.mjs` as
 * the type of the module.
 */
export const SHIELD = '?';

export function withoutShield(path: string): string {
  return path.endsWith(SHIELD) ? path.slice(0, -SHIELD.length) : path;
}

/**
 * A regular expression for white space and comments between the bracket of a call and its first
 * argument in esbuild's output.
 */
export const CALL_GAP = String.raw`(?:\s|/\*[\s\S]*?\*/|//[^\n]*\n)*`;

const PREFIX = new RegExp(`^(?:${NAMESPACES.join('|')}):`);
const KEY = new RegExp(`^(\\s*)"(?:${NAMESPACES.join('|')}):((?:[^"\\\\]|\\\\.)*)"(\\()`, 'gm');

/** The user's file for a name in esbuild's metafile and messages; undefined for a stand-in. */
export function toUsersFile(name: string): string | undefined {
  if (!PREFIX.test(name)) return name === INDEX ? undefined : name;
  return name.startsWith(`${MADE_COMMON_JS}:`) ? withoutShield(name.slice(MADE_COMMON_JS.length + 1)) : undefined;
}

/**
 * Gives the stand-ins in the text of a bundle the names of the files that they replace: stack
 * traces show these.
 */
export function nameAfterOriginals(text: string): string {
  return text.replaceAll(
    KEY,
    (_, indent: string, path: string, end: string) => `${indent}"${withoutShield(path)}"${end}`,
  );
}

/** The bundle's entry, and modules of Node. */
const NO_FILE = /^(?:(?:named-)?built-in:|index\.nexthop\.js$)/;
/** A source map has them in a package, which tools that measure coverage leave out. */
const NO_FILES = 'node_modules/nexthop/';

/**
 * The same for a source map, as JSON. Stand-ins get an empty content: tools that read the sources, such as the coverage of
 * `node --test`, fail at one that is no file.
 */
export function nameSourcesAfterOriginals(map: string): string {
  const { sources, ...others } = JSON.parse(map) as { readonly sources: readonly string[] }; // esbuild's own map
  return JSON.stringify({
    ...others,
    sources: sources.map((source) => {
      const name = withoutShield(source.replace(PREFIX, ''));
      return NO_FILE.test(source) ? `${NO_FILES}${name.replace(':', '/')}` : name;
    }),
    sourcesContent: sources.map((source) => (toUsersFile(source) === undefined ? '' : null)),
  });
}
