// Not `import { findPackageJSON }`: in an old Node, which lacks it, that would throw before the
// message about the version.
import module, { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Problem, toLocation } from '../../contract/problem.ts';
import { SiteCode } from '../../contract/site-code.ts';
import { createTimers, type SiteTimers } from '../../process/site-timers.ts';
import { packageOf } from './import-problem.ts';

/** The variable of compiled code that holds its hooks. */
export const HOOKS = '__nexthop_hooks';

/**
 * An import that could not be resolved when the site was compiled. Compiled code contains it as
 * JSON.
 */
export interface UnresolvedCall {
  /** The file of the import, relative to the site. */
  readonly file: string;
  readonly specifier: string;
  readonly problem?: Problem | undefined;
}

/** A package that threw while it was loaded. */
export interface PackageFailure {
  readonly name: string;
  /**
   * A stack trace of its import. The stack of the error itself may be too deep in Node to show the
   * import.
   */
  readonly stack: string;
}

/**
 * The functions that compiled code calls to load packages, and instead of what could not be
 * compiled. Records the problem of each error that they throw, and the package that threw any
 * other.
 */
export class ModuleHooks {
  readonly code: SiteCode;
  readonly timers: SiteTimers;
  readonly #root: string;
  readonly #problems = new WeakMap<object, Problem>();
  readonly #failures = new WeakMap<object, PackageFailure>();

  constructor(root: string, code = new SiteCode()) {
    this.#root = root;
    this.code = code;
    this.timers = createTimers(code);
  }

  /** The problem that caused an error of these hooks; undefined for other errors. */
  problemOf(error: unknown): Problem | undefined {
    return isObject(error) ? this.#problems.get(error) : undefined;
  }

  /** The package that threw an error while it was loaded; undefined if none did. */
  failureOf(error: unknown): PackageFailure | undefined {
    return isObject(error) ? this.#failures.get(error) : undefined;
  }

  /** Loads a file of a package. `file`: relative to the site. */
  package(file: string): unknown {
    const path = join(this.#root, file);
    try {
      // Required from the package itself: Node reads the importer's package.json, and that of the
      // site may be invalid.
      return createRequire(path)(path);
    } catch (error) {
      const [, name = file] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file) ?? [];
      if (isObject(error)) this.#failures.set(error, { name, stack: new Error(name).stack ?? '' });
      throw error;
    }
  }

  /** Whether an import still cannot be resolved. */
  isUnresolved(call: UnresolvedCall): boolean {
    return this.#find(call).path === undefined;
  }

  /** Called instead of a file that cannot be compiled. */
  broken(problem: Problem): never {
    throw this.#mark(new SyntaxError(`${toLocation(problem)}: ${problem.message}`), problem);
  }

  /** Called instead of an `import` statement. */
  missing(call: UnresolvedCall): never {
    throw this.#toImportError(call, this.#find(call).error);
  }

  /**
   * Called instead of an `import` statement of a package that the platform provides. If it is
   * missing, its use throws.
   */
  external(call: UnresolvedCall): unknown {
    const { path, error } = this.#find(call);
    return path === undefined ? toUnusable(() => this.#toImportError(call, error)) : createRequire(path)(path);
  }

  require(call: UnresolvedCall): unknown {
    const { path, error } = this.#find(call);
    if (path !== undefined) return this.requireFrom(call.file)(path);
    throw call.problem ? this.#mark(error, call.problem) : error;
  }

  /** Node's `require` for a file. `file`: relative to the site. */
  requireFrom(file: string): NodeJS.Require {
    return createRequire(join(this.#root, file));
  }

  /** `import.meta` of a file, without what only Node's loader has. `file`: relative to the site. */
  metaOf(file: string): object {
    const filename = join(this.#root, file);
    const { href: url } = pathToFileURL(filename);
    const resolve = (specifier: string): string => {
      const path = this.requireFrom(file).resolve(specifier);
      if (!isAbsolute(path)) return path.startsWith('node:') ? path : `node:${path}`;
      return pathToFileURL(path).href;
    };
    return { __proto__: null, dirname: dirname(filename), filename, main: false, resolve, url };
  }

  async import(call: UnresolvedCall, options?: ImportCallOptions): Promise<unknown> {
    const { path, error } = this.#find(call);
    // Node itself rejects schemes such as `https:`, with its own error.
    if (path === undefined && isUrl(call.specifier)) return import(call.specifier, options);
    if (path === undefined) throw this.#toImportError(call, error);
    return import(isAbsolute(path) ? pathToFileURL(path).href : path, options);
  }

  /**
   * Resolves an import from its file, as Node does. What was missing at build time may exist now.
   */
  #find({ file, specifier }: UnresolvedCall): Found {
    const found = find(this.requireFrom(file), specifier);
    if (found.path !== undefined || found.error.code !== 'ERR_INVALID_PACKAGE_CONFIG') return found;
    // Node looks for a package.json no higher than a node_modules folder. From there it does not
    // read the invalid one, which the compiler ignores as well.
    const from = join(this.#root, file);
    const beside = join(dirname(from), 'node_modules/index.js');
    const again = find(createRequire(beside), isPath(specifier) ? resolve(dirname(from), specifier) : specifier);
    if (again.error) again.error.message = again.error.message.replaceAll(beside, from);
    return again;
  }

  /** Converts the error of a `require` to the one that Node throws for the same `import`. */
  #toImportError({ file, specifier, problem }: UnresolvedCall, error: NodeJS.ErrnoException | undefined): Error {
    const nodeError = toNodeError(join(this.#root, file), specifier, error);
    return problem ? this.#mark(nodeError, problem) : nodeError;
  }

  /**
   * Records the problem of an error, and sets its stack to the location in the user's file instead
   * of compiled code.
   */
  #mark<T extends Error>(error: T, problem: Problem): T {
    const location = toLocation({ ...problem, file: join(this.#root, problem.file) });
    error.stack = `${error.name}: ${error.message}\n    at ${location}`;
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

/** `from`: absolute path of the importer. `error`: what a `require` of the specifier throws. */
function toNodeError(from: string, specifier: string, error: NodeJS.ErrnoException | undefined): Error {
  const [scheme] = specifier.split(':');
  if (isUrl(specifier)) {
    const message = `Cannot find module ${specifier}: Node.js cannot import it by '${scheme}:'`;
    const code = scheme === 'node' ? 'ERR_UNKNOWN_BUILTIN_MODULE' : 'ERR_UNSUPPORTED_ESM_URL_SCHEME';
    return Object.assign(new Error(message), { code });
  }
  if (error && error.code !== 'MODULE_NOT_FOUND') {
    if (!error.message.includes(' imported from ')) error.message += ` imported from ${from}`;
    return error;
  }
  if (specifier.startsWith('#')) {
    const description = module.findPackageJSON(pathToFileURL(from));
    const where = description === undefined ? '' : ` in package ${description}`;
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
 * An object in place of the exports of a missing package: each call, and each read of a name,
 * throws. So does its prototype, because esbuild copies the exports of CommonJS to another object,
 * with the same prototype.
 */
function toUnusable(toError: () => Error): unknown {
  const fail = (trap: (...given: never[]) => unknown): never => {
    const error = toError();
    // Starts the stack where the package is used.
    Error.captureStackTrace(error, trap);
    throw error;
  };
  const get = (_: object, name: string | symbol): unknown => {
    if (name === '__esModule') return true;
    // Read by code that prints or awaits a value, which is no use of the package.
    return typeof name === 'symbol' || name === 'then' ? undefined : fail(get);
  };
  const apply = (): never => fail(apply);
  const construct = (): never => fail(construct);
  const prototype = new Proxy(Object.create(null), { get });
  // Not an arrow function: it must be callable with `new`.
  const target = function unusable(): void {};
  return new Proxy(target, { get, apply, construct, getPrototypeOf: () => prototype });
}
