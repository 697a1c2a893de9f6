import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../contract/error-message.ts';
import type { Problem } from '../../contract/problem.ts';
import { showSources } from '../../contract/stack-frame.ts';
import { SkippedLoadError } from '../../process/site-loads.ts';
import { packageOf } from './import-problem.ts';
import type { PackageFailure } from './module-hooks.ts';

export interface LoadProblemParts {
  /** Absolute path of the site. */
  readonly root: string;
  /** Absolute path of the file that was loaded. */
  readonly file: string;
  readonly error: unknown;
  /** The package that threw the error, if one did. */
  readonly failure?: PackageFailure | undefined;
}

/**
 * The problem of an error that a file, or a file that it imports, threw while it was evaluated. Has
 * the location in the site where it was thrown, if the stack shows one.
 */
export function toLoadProblem({ root, file, error, failure }: LoadProblemParts): Problem {
  if (error instanceof SkippedLoadError) {
    return { severity: 'error', file: relative(root, file), message: error.message };
  }
  const location = findLocation(root, failure ?? error) ?? { file: relative(root, file) };
  const subject = failure ? `package \`${failure.name}\` ` : '';
  return { severity: 'error', ...location, message: `${subject}throws while it loads: ${describe(error)}` };
}

/**
 * A line of a stack trace, with or without a function name; the file is a path or a URL. Not of
 * text that was evaluated.
 */
const FRAME = /^\s*at (?!.*\(eval at )(?:.* \()?((?:file:\/\/)?\/.*):(\d+):(\d+)\)?$/;

/** The innermost frame in the site's own files. */
function findLocation(root: string, error: unknown): Pick<Problem, 'file' | 'line' | 'column'> | undefined {
  showSources(error);
  const stack: unknown = typeof error === 'object' && error !== null && 'stack' in error ? error.stack : undefined;
  // Code of users may have set another value.
  if (typeof stack !== 'string') return undefined;
  for (const text of stack.split('\n')) {
    const [, where = '', line, column] = FRAME.exec(text) ?? [];
    const path = toPath(where);
    if (path === undefined || NOT_OF_SITE.some((pattern) => pattern.test(path)) || path.startsWith(OWN_FOLDER))
      continue;
    return { file: relative(root, path), line: Number(line), column: Number(column) };
  }
  return undefined;
}

/**
 * Packages, and lines of the bundle for which its source map has no entry (place-module.ts,
 * new-build.ts).
 */
const NOT_OF_SITE = [/\/node_modules\//, /\/(?:run|nexthop)-[^/]{6}\/functions\.cjs$/, /\/[\da-f]{64}\.cjs$/];

/** nexthop's own folder: code may call its globals while it loads. */
const OWN_FOLDER = join(import.meta.dirname, '../..') + sep;

function toPath(where: string): string | undefined {
  if (!where.startsWith('file:')) return where === '' ? undefined : where;
  try {
    return fileURLToPath(where);
  } catch {
    // Not a path of this machine, and so not of the site.
    return undefined;
  }
}

/** The first line of the error's message, with what to do if that is known. */
function describe(error: unknown): string {
  const [first = ''] = messageOf(error).split('\n');
  const [, name] = /^Cannot find (?:module|package) '([^']+)'/.exec(first) ?? [];
  const missing = name === undefined ? undefined : packageOf(name);
  return missing === undefined ? first : `${first}: npm install ${missing}`;
}
