import { hash, randomUUID } from 'node:crypto';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { makeFolder } from '../../process/make-folder.ts';
import { HOOKS } from './module-hooks.ts';

/**
 * All functions of a dialect as one ES module. Its paths are relative to the site, so that it can
 * be written to any folder.
 */
export interface ModuleText {
  /** Its first line is replaced by the prelude. */
  readonly text: string;
  /** Source map, as JSON. */
  readonly map: string;
}

/** Functions in compiled code: the absolute path, or URL, of a file relative to the site. */
export const PATH_OF = '__nexthop_path';
export const URL_OF = '__nexthop_url_of';
/** The variable of compiled code that holds the exports of packages with a top-level await. */
export const LOADED = '__nexthop_loaded';

/**
 * The first line of a module that is not placed yet. The prelude is one line too, so that the
 * source map stays valid.
 */
export const PRELUDE_PLACE = '// prelude';

/** A module for a given folder. */
export interface PlacedModule extends ModuleText {
  /** Name of its source map's file in the same folder, by the hash of its content. */
  readonly mapFile: string;
}

const MAP_COMMENT = /\n\/\/# sourceMappingURL=[^\n]*\n$/;

/**
 * Adapts a module, placed before or not, to a folder. `toRoot`: relative path from that folder to
 * the site. A `require` whose name is known only when it runs resolves from the root of the site.
 */
export function placeModule(module: ModuleText, toRoot: string): PlacedModule {
  const prelude = [
    "import { createRequire as __nexthop_createRequire } from 'node:module';",
    "import { resolve as __nexthop_resolve } from 'node:path';",
    "import { pathToFileURL as __nexthop_toUrl } from 'node:url';",
    `const ${PATH_OF} = (file) => __nexthop_resolve(import.meta.dirname, ${JSON.stringify(toRoot)}, file);`,
    `const ${URL_OF} = (file) => __nexthop_toUrl(${PATH_OF}(file)).href;`,
    `const ${LOADED} = new Map();`,
    `let ${HOOKS};`,
    `const require = __nexthop_createRequire(${PATH_OF}('index.js'));`,
  ];
  const code = module.text.slice(module.text.indexOf('\n')).replace(MAP_COMMENT, '');
  const sourceRoot = `${toRoot.split('/').map(encodeURIComponent).join('/')}/`;
  const map = JSON.stringify({ ...JSON.parse(module.map), sourceRoot });
  const mapFile = `${hash('sha256', map, 'hex')}.map`;
  return { text: `${prelude.join(' ')}${code}\n//# sourceMappingURL=${mapFile}\n`, map, mapFile };
}

/**
 * Imports a module from a file. `isReload`: evaluates it again if this process has imported it
 * before.
 */
export async function importFile(file: string, { isReload = false } = {}): Promise<unknown> {
  // Makes stack traces show the user's file and line. Node reads a source map when it loads the
  // module.
  process.setSourceMapsEnabled(true);
  const url = pathToFileURL(file);
  // Node caches modules by URL for ever.
  if (isReload) url.search = randomUUID();
  return import(url.href);
}

const NAME = 'functions.mjs';

/**
 * Imports a module from a new folder below `parent`, or below the system's temporary folder if
 * `parent` cannot be written to. Node caches modules by path for ever, so each import needs a new
 * path. Removes the folder once the module is loaded.
 */
export async function importText(module: ModuleText, root: string, parent: string): Promise<unknown> {
  const folder = await makeRunFolder(parent);
  try {
    const { text, map, mapFile } = placeModule(module, relative(folder, root));
    await writeFile(join(folder, NAME), text);
    await writeFile(join(folder, mapFile), map);
    return await importFile(join(folder, NAME));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Falls back to the temporary folder for a site on a read-only file system. */
async function makeRunFolder(parent: string): Promise<string> {
  try {
    makeFolder(parent);
    return await realpath(await mkdtemp(join(parent, 'run-')));
  } catch {
    // If the temporary folder cannot be written to either, its error is thrown.
    return realpath(await mkdtemp(join(tmpdir(), 'nexthop-')));
  }
}
