import { join, relative, sep } from 'node:path';
import { inspect } from 'node:util';
import { isError } from '../contract/error-message.ts';
import { Fault } from '../contract/fault.ts';
import { isOwn, type StackFrame, toStackFrames } from '../contract/stack-frame.ts';
import { type CodeFrame, readCodeFrame } from './code-frame.ts';

/** An error for the author of the site. */
export interface ErrorReport {
  /** Type and message, e.g. `TypeError: x is not a function`. */
  readonly title: string;
  /** Where it was thrown, e.g. `cloud-functions/api/a.js:3:9`; '' if that is not known. */
  readonly place: string;
  readonly frame: CodeFrame | undefined;
  /** The calls that led there, innermost first, without those of nexthop and Node. */
  readonly calls: readonly string[];
  readonly cause: ErrorReport | undefined;
}

const PACKAGES = `${sep}node_modules${sep}`;
/** Lines of compiled code for which its source map has no entry (src/dialects/loader/place-module.ts). */
const COMPILED = /[\\/](?:(?:run|nexthop)-[^\\/]{6}[\\/]functions|[\da-f]{64})\.cjs$/;
const MOST_CALLS = 12;
const MOST_CAUSES = 4;

/**
 * Describes any thrown value. Of a function's Fault: the error that the function threw. `site`:
 * absolute path, without symbolic links.
 */
export function toErrorReport(given: unknown, site: string, depth = 0): ErrorReport {
  const error = given instanceof Fault && given.cause !== undefined ? given.cause : given;
  if (!isError(error))
    return { title: `threw ${inspectSafely(error)}`, place: '', frame: undefined, calls: [], cause: undefined };
  const frames = toStackFrames(String(error.stack ?? '')).filter(isOfUser);
  const at = frames.find(({ file }) => !file.includes(PACKAGES)) ?? frames[0];
  const frame = at && readCodeFrame({ path: at.file, line: at.line, column: at.column });
  return {
    title: toTitle(error) + adviseOnNamespace(error, frame),
    place: at ? toPlace(at, site) : '',
    frame,
    calls: frames.slice(0, MOST_CALLS).map((frame) => [frame.name, toPlace(frame, site)].filter(Boolean).join('  ')),
    cause: error.cause === undefined || depth === MOST_CAUSES ? undefined : toErrorReport(error.cause, site, depth + 1),
  };
}

/** The report of a mistake that was found in a file before it ran. */
export function toProblemReport(
  {
    message,
    file,
    line,
    column,
  }: { readonly message: string; readonly file: string; readonly line?: number; readonly column?: number },
  site: string,
): ErrorReport {
  const path = join(site, file);
  return {
    title: message,
    place: [file, line, column].filter((part) => part !== undefined && part !== '').join(':'),
    frame: line === undefined ? undefined : readCodeFrame({ path, line, ...(column !== undefined && { column }) }),
    calls: [],
    cause: undefined,
  };
}

function isOfUser({ file }: StackFrame): boolean {
  return !isOwn(file) && !COMPILED.test(file);
}

/** Code that could not be compiled throws its problem, which begins with its place. */
function toTitle(error: Error): string {
  const { name, message } = error;
  // A result of a function that is none, e.g. without a status: nothing was thrown.
  if (error instanceof Fault) return message;
  const text = message.replace(/^[^\s:]+:\d+(?::\d+)?: /, '');
  return text === '' ? name : `${name}: ${withRemedy(text)}`;
}

/** Node's message about a package that it did not find, and not about a file. */
const MISSING_PACKAGE = /^Cannot find (?:module|package) '((?:@[\w.~-]+\/)?[a-z\d~-][\w.~-]*)(?:\/[^']*)?'/i;

/** At the end of its first line. */
function withRemedy(message: string): string {
  const [, name] = MISSING_PACKAGE.exec(message) ?? [];
  return name === undefined ? message : message.replace(/.*/, (line) => `${line}; npm install ${name}`);
}

/** A namespace of KV is a global on EdgeOne Pages, whose console binds it. */
function adviseOnNamespace({ name, message }: Error, frame: CodeFrame | undefined): string {
  const [, word] = name === 'ReferenceError' ? (/^([A-Za-z_$][\w$]*) is not defined$/.exec(message) ?? []) : [];
  if (word === undefined || !frame) return '';
  const line = frame.lines.find(({ isMarked }) => isMarked)?.text ?? '';
  const isUsedAsOne = line.split(word).some((rest, at) => at > 0 && /^\s*\.\s*(?:get|put|delete|list)\(/.test(rest));
  return isUsedAsOne ? `; if it is a KV namespace of EdgeOne, set KV_BINDINGS=${word}` : '';
}

function toPlace({ file, line, column }: StackFrame, site: string): string {
  const inSite = relative(site, file);
  return `${inSite.startsWith('..') ? file : inSite}:${line}:${column}`;
}

function inspectSafely(value: unknown): string {
  try {
    return inspect(value, { depth: 3, maxStringLength: 1000 });
  } catch {
    // The value may be an object whose getters or `inspect` hook throw.
    return `a value that cannot be displayed (${typeof value})`;
  }
}
