import { hash, randomUUID } from 'node:crypto';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { makeFolder } from '../../process/make-folder.ts';
import { HOOKS } from './module-hooks.ts';

/** All functions of a dialect as one ES module, whose paths start at the site: it can be placed wherever both can be read. */
export interface ModuleText {
  /** Its first line is only a place for the prelude. */
  readonly text: string;
  /** Source map, as JSON. */
  readonly map: string;
}

/** What compiled code may call: the absolute path or URL of a file that is given relative to the site. */
export const PATH_OF = '__nexthop_path';
export const URL_OF = '__nexthop_url_of';
/** And where it keeps the exports of packages that had to be awaited. */
export const LOADED = '__nexthop_loaded';

/** Stands in the first line until the module is placed, so that all others keep their numbers in the source map. */
export const PRELUDE_PLACE = '// prelude';

/** A module with its place. */
export interface PlacedModule extends ModuleText {
  /** Name of the file beside it in which its map is looked for; the same for the same map. */
  readonly mapFile: string;
}

const MAP_COMMENT = /\n\/\/# sourceMappingURL=[^\n]*\n$/;

/**
 * The module for a folder from which the site is reached by `toRoot`, a relative path; it may have had another place before.
 * A `require` of a name that is known only when it runs resolves from the root of the site.
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

/** Imports a module from a file. `anew`: also when this process has it already, then with a state of its own. */
export async function importFile(file: string, { anew = false } = {}): Promise<unknown> {
  // Stack traces then name the user's file and line. Node reads a map when its module is loaded, so it must be on before.
  process.setSourceMapsEnabled(true);
  const url = pathToFileURL(file);
  // Node knows a module by its URL, and never forgets one.
  if (anew) url.search = randomUUID();
  return import(url.href);
}

const NAME = 'functions.mjs';

/**
 * Imports a module from a new folder below `parent`, or where that cannot be written to, below the system's. Node never forgets a module, so
 * that the next one of the same site needs another name. The folder is gone when the module is loaded.
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

/** A site that may not be written to (a read-only image) is served all the same. */
async function makeRunFolder(parent: string): Promise<string> {
  try {
    makeFolder(parent);
    return await realpath(await mkdtemp(join(parent, 'run-')));
  } catch {
    // If the system's own folder cannot be written to either, that error is the one to tell.
    return realpath(await mkdtemp(join(tmpdir(), 'nexthop-')));
  }
}
