import { hash } from 'node:crypto';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { Module } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { makeFolder } from '../../process/make-folder.ts';
import { HOOKS } from './module-hooks.ts';

/**
 * All functions of a dialect as the body of one function. Its paths are relative to the site, so
 * that it can be written to any folder.
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
/** The variable of compiled code whose members are the exports of the bundle. */
export const EXPORTS = '__nexthop_exports';

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
    // Node drops the source map with the module object; each function of the code refers to it.
    'const __nexthop_module = module, __nexthop_require = require;',
    // The variables of CommonJS do not exist in an ES module, and code checks that.
    'module.exports = ((module, exports, __filename, __dirname) => { "use strict";',
    "const { createRequire: __nexthop_createRequire } = __nexthop_require('node:module');",
    "const { resolve: __nexthop_resolve } = __nexthop_require('node:path');",
    "const { pathToFileURL: __nexthop_toUrl } = __nexthop_require('node:url');",
    `const ${PATH_OF} = (file) => __nexthop_resolve(__nexthop_module.path, ${JSON.stringify(toRoot)}, file);`,
    `const ${URL_OF} = (file) => __nexthop_toUrl(${PATH_OF}(file)).href;`,
    `const ${LOADED} = new Map(), ${EXPORTS} = {};`,
    `let ${HOOKS};`,
    `const require = __nexthop_createRequire(${PATH_OF}('index.js'));`,
  ];
  const code = module.text.slice(module.text.indexOf('\n')).replace(MAP_COMMENT, '').replace(END, '');
  const sourceRoot = `${toRoot.split('/').map(encodeURIComponent).join('/')}/`;
  const map = JSON.stringify({ ...JSON.parse(module.map), sourceRoot });
  const mapFile = `${hash('sha256', map, 'hex')}.map`;
  return { text: `${prelude.join(' ')}${code}${END}\n//# sourceMappingURL=${mapFile}\n`, map, mapFile };
}

const END = `\nreturn ${EXPORTS}; })();`;

/**
 * Evaluates a placed module, also again, and returns its exports. `file`: its path, with its source
 * map in the same folder. It is freed when nothing refers to its code any more; an ES module never
 * is, because Node keeps each that it has loaded.
 */
export function evaluate(text: string, file: string): unknown {
  // Makes stack traces show the user's file and line. Node reads a source map when it compiles.
  process.setSourceMapsEnabled(true);
  // Not `require(file)`: that reads the package.json of the site, which may be invalid.
  const module = new Module(file) as CompilingModule;
  module.filename = file;
  // V8 would keep the text and the compiled code until memory is short.
  setFlagsFromString('--no-compilation-cache');
  try {
    module._compile(text, file, 'commonjs');
  } finally {
    setFlagsFromString('--compilation-cache');
  }
  return module.exports;
}

/** With a member that Node does not document (docs/dependencies-internals.md). */
interface CompilingModule extends Module {
  _compile(text: string, file: string, format: 'commonjs'): unknown;
}

/**
 * Evaluates a module as a file in a new folder below `parent`, or below the system's temporary
 * folder if `parent` cannot be written to. The folder has its source map and is removed afterwards.
 * If no folder can be written to, the source map is in the text, which then takes more memory.
 */
export async function evaluateText(module: ModuleText, root: string, parent: string): Promise<unknown> {
  for (const create of [() => makeIn(parent), () => mkdtemp(join(tmpdir(), 'nexthop-'))]) {
    let folder: string | undefined;
    try {
      folder = await realpath(await create());
      const { text, map, mapFile } = placeModule(module, relative(folder, root));
      await writeFile(join(folder, mapFile), map);
      return evaluate(text, join(folder, NAME));
    } catch (error) {
      if (!isOfDisk(error)) throw error;
    } finally {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    }
  }
  const { text, map } = placeModule(module, relative(parent, root));
  const encoded = `data:application/json;base64,${Buffer.from(map).toString('base64')}`;
  return evaluate(text.replace(MAP_COMMENT, `\n//# sourceMappingURL=${encoded}\n`), join(parent, NAME));
}

const NAME = 'functions.cjs';

async function makeIn(parent: string): Promise<string> {
  makeFolder(parent);
  return mkdtemp(join(parent, 'run-'));
}

/** A folder that cannot be written to, or is full. */
function isOfDisk(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
