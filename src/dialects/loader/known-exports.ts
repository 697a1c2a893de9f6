import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { init, parse } from 'es-module-lexer';
import { didYouMean, type Problem } from '../../contract/problem.ts';
import { isEsModule, type ModuleTypes } from './await-search.ts';
import { withoutShield } from './stand-ins.ts';

/** A name that the module of an import does not export. */
export interface MissingName extends Pick<Problem, 'severity' | 'message'> {
  /** The stand-in for that module, by its name in esbuild's messages. */
  readonly standIn: string;
}

/**
 * The names that packages and Node's own modules export, found without running them. The stand-in
 * for such a module declares them, so that esbuild reports an import of any other name.
 */
export class KnownExports {
  readonly #root: string;
  /** Whether every importer runs as an ES module on the platform. */
  readonly #areAllModules: boolean;
  readonly #types: ModuleTypes = new Map();
  /** By absolute path. */
  readonly #files = new Map<string, Promise<Names>>();
  /** What stand-ins declare. */
  readonly #names = new Map<string, ReadonlySet<string>>();
  readonly #open = new Set<string>();

  constructor(root: string, areAllModules: boolean) {
    this.#root = root;
    this.#areAllModules = areAllModules;
  }

  /**
   * The exports that the stand-in of one of Node's own modules, or of a package's ES module, declares.
   * Undefined if they are not known, or must not be declared.
   * @param path The stand-in's path, without shield: the name of the module, or a path relative to the site.
   */
  async find(namespace: string, path: string, resolver: FileResolver): Promise<Names> {
    const standIn = `${namespace}:${path}`;
    if (this.#open.has(standIn)) return undefined;
    const known = this.#names.get(standIn);
    if (known) return known;
    const names =
      namespace === BUILT_IN ? namesOfBuiltIn(path) : await this.#ofFile(resolve(this.#root, path), resolver);
    if (!names || names.has(WHOLE)) return undefined;
    this.#names.set(standIn, names);
    return names;
  }

  /**
   * Whether `require` of this ES module returns the exports of CommonJS that it passes on, and not its
   * own: `export * from` CommonJS passes on the name `module.exports`, too (Node's documentation of
   * `require(esm)`).
   * @param file Absolute path.
   */
  async isMixed(file: string, resolver: FileResolver): Promise<boolean> {
    return (await this.#ofFile(file, resolver))?.has(WHOLE) ?? false;
  }

  #ofFile(file: string, resolver: FileResolver): Promise<Names> {
    const names = this.#files.get(file) ?? namesOfFile(file, { types: this.#types, resolver, seen: new Set() });
    this.#files.set(file, names);
    return names;
  }

  /**
   * Explains an error of esbuild about a name that a stand-in does not declare; undefined for other
   * errors. It is an error in a file that runs as an ES module: Node refuses to load it. The
   * platforms' builders compile other files to CommonJS, in which the name is undefined.
   * @param importer Absolute path.
   */
  explain(text: string, importer: string): MissingName | undefined {
    const [, from = '""', quoted = '""'] = NO_EXPORT.exec(text) ?? [];
    const standIn = withoutShield(JSON.parse(from));
    const names = this.#names.get(standIn);
    if (!names) return undefined;
    const isError = this.#areAllModules || isEsModule(importer, this.#types);
    const message = toMessage({ standIn, names, name: JSON.parse(quoted), isError });
    return { standIn, severity: isError ? 'error' : 'warning', message };
  }

  /** From now on, this stand-in declares no names: any can be imported. */
  leaveOpen(standIn: string): void {
    this.#open.add(standIn);
  }
}

/** Resolves an `import` of a file with the resolver of the build; undefined if that fails. */
export type FileResolver = (
  specifier: string,
  importer: string,
) => Promise<{ readonly path: string; readonly external: boolean } | undefined>;

/** The name by which a module passes on all exports of CommonJS. */
const WHOLE = 'module.exports';

interface Search {
  readonly types: ModuleTypes;
  readonly resolver: FileResolver;
  /** Files that are read already. */
  readonly seen: Set<string>;
}

/** The exports of a package's file, those of CommonJS as one name; undefined if a file cannot be read or parsed. */
async function namesOfFile(file: string, search: Search): Promise<Names> {
  if (search.seen.has(file)) return new Set();
  search.seen.add(file);
  if (!isEsModule(file, search.types)) return new Set([WHOLE]);
  try {
    await init();
    const [, exports] = parse(await readFile(file, 'utf8'));
    const names = new Set<string>();
    for (const each of exports) {
      const found = each.type === 'reexport-all' ? await namesOfStar(each.from, file, search) : new Set([each.name]);
      if (!found) return undefined;
      for (const name of found) names.add(name);
    }
    return names;
  } catch {
    // Node reports that when the package is loaded.
    return undefined;
  }
}

/** The names that `export * from` a specifier passes on. */
async function namesOfStar(specifier: string, file: string, search: Search): Promise<Names> {
  const found = await search.resolver(specifier, file);
  if (!found) return undefined;
  const names = found.external ? namesOfBuiltIn(found.path) : await namesOfFile(found.path, search);
  return names && new Set([...names].filter((name) => name !== 'default'));
}

type Names = ReadonlySet<string> | undefined;

/** Namespace of stand-ins for Node's own modules that declare their exports. */
export const BUILT_IN = 'named-built-in';

const NO_EXPORT = /^No matching export in ("[^"]*") for import ("[^"]*")$/;

/** The names of its ES module: the enumerable properties, and the whole as default. */
function namesOfBuiltIn(name: string): Names {
  const exports: object | undefined = process.getBuiltinModule(name);
  return exports && new Set([...Object.keys(exports), 'default']);
}

interface MessageParts {
  readonly standIn: string;
  readonly names: ReadonlySet<string>;
  readonly name: string;
  readonly isError: boolean;
}

function toMessage({ standIn, names, name, isError }: MessageParts): string {
  const subject = toSubject(standIn);
  if (name === 'default') {
    const advice = isError ? 'import its names' : 'all its exports are imported instead';
    return `${subject} has no default export: ${advice}`;
  }
  const outcome = isError ? '' : ', which is undefined here';
  return `${subject} does not export "${name}"${outcome}${didYouMean(name, names) || '; correct the name'}`;
}

function toSubject(standIn: string): string {
  const path = standIn.slice(standIn.indexOf(':') + 1);
  if (standIn.startsWith(BUILT_IN)) return `${path} of Node.js ${process.version}`;
  const [, name = path] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
  return `package \`${name}\``;
}
