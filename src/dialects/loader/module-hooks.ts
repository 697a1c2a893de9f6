// findPackageJSON not by name: an old Node, which has none, must get as far as to say that it is too old.
import module, { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Problem, toLocation } from '../../contract/problem.ts';
import { packageOf } from './import-problem.ts';

/** The variable of compiled code in which it finds its hooks. */
export const HOOKS = '__nexthop_hooks';

/** An import that led to nothing when the site was compiled. Stands in compiled code as JSON. */
export interface LostCall {
  /** In which it stands, relative to the site. */
  readonly file: string;
  readonly specifier: string;
  readonly problem?: Problem | undefined;
}

/** A package that threw while it was loaded. */
export interface PackageFailure {
  /** Its name. */
  readonly name: string;
  /** A stack trace of its import. That of the error may be too deep in Node to show it. */
  readonly stack: string;
}

/**
 * What compiled code calls for packages, and in the place of what could not be compiled. Knows which problem stands for the errors that it throws, and
 * which package threw another one.
 */
export class ModuleHooks {
  readonly #root: string;
  readonly #problems = new WeakMap<object, Problem>();
  readonly #failures = new WeakMap<object, PackageFailure>();

  constructor(root: string) {
    this.#root = root;
  }

  /** The problem that made code throw this; undefined if it is no error of these hooks. */
  problemOf(error: unknown): Problem | undefined {
    return isObject(error) ? this.#problems.get(error) : undefined;
  }

  /** The package that threw this while it was loaded; undefined if none did. */
  failureOf(error: unknown): PackageFailure | undefined {
    return isObject(error) ? this.#failures.get(error) : undefined;
  }

  /** Loads a file of a package, which is relative to the site. */
  package(file: string): unknown {
    const path = join(this.#root, file);
    try {
      // Node reads the package.json of whoever requires: its own is in order, where that of the site need not be.
      return createRequire(path)(path);
    } catch (error) {
      const [, name = file] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file) ?? [];
      if (isObject(error)) this.#failures.set(error, { name, stack: new Error(name).stack ?? '' });
      throw error;
    }
  }

  /** Whether an import still leads to nothing. */
  isLost(call: LostCall): boolean {
    return this.#find(call).path === undefined;
  }

  /** In the place of a file that cannot be compiled. */
  broken(problem: Problem): never {
    throw this.#mark(new SyntaxError(`${toLocation(problem)}: ${problem.message}`), problem);
  }

  /** In the place of an `import` statement. */
  missing(call: LostCall): never {
    throw this.#toImportError(call, this.#find(call).error);
  }

  /** In the place of an `import` statement of a package that is brought along elsewhere: it fails where it is used. */
  external(call: LostCall): unknown {
    const { path, error } = this.#find(call);
    return path === undefined ? toUnusable(() => this.#toImportError(call, error)) : createRequire(path)(path);
  }

  require(call: LostCall): unknown {
    const { path, error } = this.#find(call);
    if (path !== undefined) return this.requireFrom(call.file)(path);
    throw call.problem ? this.#mark(error, call.problem) : error;
  }

  /** Node's own `require` of a file, which is relative to the site. */
  requireFrom(file: string): NodeJS.Require {
    return createRequire(join(this.#root, file));
  }

  async import(call: LostCall, options?: ImportCallOptions): Promise<unknown> {
    const { path, error } = this.#find(call);
    // Node has its own word on schemes such as `https:`.
    if (path === undefined && isUrl(call.specifier)) return import(call.specifier, options);
    if (path === undefined) throw this.#toImportError(call, error);
    return import(isAbsolute(path) ? pathToFileURL(path).href : path, options);
  }

  /** As Node finds it from the file in which it stands, where it may be by now. */
  #find({ file, specifier }: LostCall): Found {
    const found = find(this.requireFrom(file), specifier);
    if (found.path !== undefined || found.error.code !== 'ERR_INVALID_PACKAGE_CONFIG') return found;
    // Node looks no higher than here for a package.json, and so does without one that is no JSON, as the compiler does.
    const from = join(this.#root, file);
    const beside = join(dirname(from), 'node_modules/index.js');
    const again = find(createRequire(beside), isPath(specifier) ? resolve(dirname(from), specifier) : specifier);
    if (again.error) again.error.message = again.error.message.replaceAll(beside, from);
    return again;
  }

  /** The error that Node has for an `import`, where that for a `require` is another one. */
  #toImportError({ file, specifier, problem }: LostCall, error: NodeJS.ErrnoException | undefined): Error {
    const told = toNodeError(join(this.#root, file), specifier, error);
    return problem ? this.#mark(told, problem) : told;
  }

  /** The stack names the place in the file of the site, since compiled code stands elsewhere. */
  #mark<T extends Error>(error: T, problem: Problem): T {
    const place = toLocation({ ...problem, file: join(this.#root, problem.file) });
    error.stack = `${error.name}: ${error.message}\n    at ${place}`;
    this.#problems.set(error, problem);
    return error;
  }
}

type Found =
  | { readonly path: string; readonly error?: undefined }
  | { readonly path?: undefined; readonly error: NodeJS.ErrnoException };

function find(require: NodeJS.Require, specifier: string): Found {
  try {
    return { path: require.resolve(specifier) };
  } catch (error) {
    return { error: error as NodeJS.ErrnoException }; // Node throws nothing else
  }
}

function isPath(specifier: string): boolean {
  return /^\.{0,2}\//.test(specifier);
}

/** `from`: absolute path of the importer. `error`: what a `require` of the same would have thrown. */
function toNodeError(from: string, specifier: string, error: NodeJS.ErrnoException | undefined): Error {
  const [scheme] = specifier.split(':');
  if (isUrl(specifier)) {
    const message = `No module ${specifier}: Node.js imports nothing by '${scheme}:' that it does not have`;
    const code = scheme === 'node' ? 'ERR_UNKNOWN_BUILTIN_MODULE' : 'ERR_UNSUPPORTED_ESM_URL_SCHEME';
    return Object.assign(new Error(message), { code });
  }
  if (error && error.code !== 'MODULE_NOT_FOUND') {
    if (!error.message.includes(' imported from ')) error.message += ` imported from ${from}`;
    return error;
  }
  if (specifier.startsWith('#')) {
    const place = module.findPackageJSON(pathToFileURL(from));
    const where = place === undefined ? '' : ` in package ${place}`;
    const message = `Package import specifier "${specifier}" is not defined${where} imported from ${from}`;
    return Object.assign(new TypeError(message), { code: 'ERR_PACKAGE_IMPORT_NOT_DEFINED' });
  }
  const name = packageOf(specifier);
  const what = name === undefined ? `module '${resolve(dirname(from), specifier)}'` : `package '${name}'`;
  return Object.assign(new Error(`Cannot find ${what} imported from ${from}`), { code: 'ERR_MODULE_NOT_FOUND' });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isUrl(specifier: string): boolean {
  return /^[a-z][a-z\d+.-]+:/i.test(specifier);
}

/**
 * Stands for the exports of a package: every use throws, of the whole and of any name in it. Its prototype does so too, since names are looked up there
 * where a bundler copies the exports of CommonJS to another object.
 */
function toUnusable(toError: () => Error): unknown {
  const fail = (trap: (...given: never[]) => unknown): never => {
    const error = toError();
    // The stack begins where the package is used.
    Error.captureStackTrace(error, trap);
    throw error;
  };
  const get = (_: object, name: string | symbol): unknown => {
    if (name === '__esModule') return true;
    // Asked by whatever prints or awaits a value, and no use of the package.
    return typeof name === 'symbol' || name === 'then' ? undefined : fail(get);
  };
  const apply = (): never => fail(apply);
  const construct = (): never => fail(construct);
  const prototype = new Proxy(Object.create(null), { get });
  // An arrow function could not be called with `new`.
  const target = function unusable(): void {};
  return new Proxy(target, { get, apply, construct, getPrototypeOf: () => prototype });
}
