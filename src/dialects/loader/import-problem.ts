import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from 'node:path';
import { didYouMean, type Problem } from '../../contract/problem.ts';

export interface ImportProblemParts {
  /** Absolute path of the site. */
  readonly root: string;
  readonly specifier: string;
  readonly location: Pick<Problem, 'file' | 'line' | 'column'>;
  /** Notes of esbuild's resolver. */
  readonly hints: readonly string[];
}

/** The problem of an import that cannot be resolved, with what to do. */
export function toImportProblem({ root, specifier, location, hints }: ImportProblemParts): Problem {
  return { severity: 'error', ...location, message: toMessage(root, specifier, resolve(root, location.file), hints) };
}

/**
 * The package of a specifier, e.g. `@scope/name` of `@scope/name/sub`; undefined if it names none.
 */
export function packageOf(specifier: string): string | undefined {
  return PACKAGE.exec(specifier)?.[1];
}

const PACKAGE = /^(@[a-z\d~-][\w.~-]*\/[a-z\d~-][\w.~-]*|[a-z\d~-][\w.~-]*)(?:\/|$)/i;

const SCHEME = /^([a-z][a-z\d+.-]+):/i;

function toMessage(root: string, specifier: string, importer: string, hints: readonly string[]): string {
  const quoted = JSON.stringify(specifier);
  if (/^\.{0,2}\//.test(specifier) || specifier === '.' || specifier === '..') {
    const path = resolve(dirname(importer), specifier);
    const file = isAbsolute(specifier) ? specifier : relative(root, path);
    return `${quoted} does not exist: create ${file}, or correct the import${findNearFile({ specifier, path, importer })}`;
  }
  if (specifier.startsWith('#')) return `${quoted} is not in the "imports" of the nearest package.json: add it there`;
  const [, scheme] = SCHEME.exec(specifier) ?? [];
  if (scheme === 'node') return `${quoted} is not a module of this Node.js (${process.version})`;
  if (scheme === 'npm' || scheme === 'jsr') {
    return `${quoted} is written for Deno: install the package, and import it by its name only`;
  }
  if (scheme !== undefined)
    return `${quoted} cannot be imported by Node.js: install the package, and import it by name`;
  const name = packageOf(specifier);
  if (name === undefined) return `${quoted} cannot be resolved: correct it, or the "paths" of the tsconfig.json`;
  if (!isInstalled(name, importer)) return `package \`${name}\` is not installed: ${toInstallation(name, importer)}`;
  const [why] = hints.filter((hint) => !hint.startsWith('You can mark'));
  const detail = why === undefined ? '' : ` (${why.replace(/:$/, '')})`;
  return `package \`${name}\` is installed, but does not export ${quoted}${detail}: correct the import, or npm install ${name} again`;
}

/** A file beside the missing one with nearly its name, as the end of a sentence. */
function findNearFile({ specifier, path, importer }: Record<'specifier' | 'path' | 'importer', string>): string {
  const hasExtension = extname(path) !== '';
  const files = namesIn(dirname(path)).filter((name) => join(dirname(path), name) !== importer);
  const names = files.map((name) => (hasExtension ? name : basename(name, extname(name))));
  const before = specifier.slice(0, specifier.lastIndexOf('/') + 1);
  const found = didYouMean(basename(path), names);
  return found.replace('did you mean ', `did you mean ${before}`);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // The folder is missing, too.
    return [];
  }
}

/** What to type. A package of the nearest package.json is installed with all others; one that is not there may be misspelt. */
function toInstallation(name: string, importer: string): string {
  const known = findDependencies(dirname(importer));
  if (known.includes(name)) return 'npm install (package.json has it)';
  return `npm install ${name}${didYouMean(name, known)}`;
}

function findDependencies(folder: string): readonly string[] {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const { dependencies, devDependencies, optionalDependencies } = Object(manifest);
    return [dependencies, devDependencies, optionalDependencies].flatMap((each) => Object.keys(Object(each)));
  } catch {
    // There is none here, or one that cannot be read, which other messages say.
    return folder === dirname(folder) ? [] : findDependencies(dirname(folder));
  }
}

function isInstalled(name: string, importer: string): boolean {
  if (isBuiltin(name)) return true;
  for (let folder = dirname(importer); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules', name))) return true;
    if (folder === dirname(folder)) return false;
  }
}
