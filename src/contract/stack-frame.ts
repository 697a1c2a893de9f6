import { findSourceMap, type SourceMapping } from 'node:module';
import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of nexthop's own code, as sources or compiled. */
const OWN = dirname(import.meta.dirname) + sep;

/** One call of a stack trace, in a file. */
export interface StackFrame {
  /** Of the function, with what Node says about the call, e.g. `async Object.run`; '' if it has none. */
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/**
 * `    at name (/path/of/file.js:1:2)`, `    at async file:///path/of/file.js:1:2`; not of text that
 * was evaluated, which has a file within brackets.
 */
const FRAME = /^\s+at (?!.*\(eval at )(?:(.*?) \()?(?:(async) )?((?:file:\/\/)?[\\/].*?):(\d+):(\d+)\)?$/;

/** The calls of a stack trace that are in files, innermost first. Node's own files are left out. */
export function toStackFrames(stack: string): readonly StackFrame[] {
  return stack.split('\n').flatMap((line) => toStackFrame(line) ?? []);
}

/** The call in one line of a stack trace; undefined if it has none in a file. */
export function toStackFrame(text: string): StackFrame | undefined {
  const match = FRAME.exec(text);
  if (!match) return undefined;
  const [, name = match[2] ?? '', , path = '', line, column] = match;
  const file = path.startsWith('file:') && URL.canParse(path) ? fileURLToPath(path) : path;
  return { name, file, line: Number(line), column: Number(column) };
}

/** Causes of causes that are read; a list of them may be a circle. */
const MOST_CAUSES = 5;

/**
 * Gives the stack of an error, and those of its causes, the files and lines of the sources. Node does that itself, but not where a
 * test runner such as vitest or jest, or the package source-map-support, has set `Error.prepareStackTrace`.
 */
export function showSources(error: unknown): void {
  let each = error;
  try {
    for (let count = 0; count < MOST_CAUSES && typeof each === 'object' && each !== null; count++) {
      const { stack, cause } = each as Partial<Error>; // of any value that was thrown
      const shown = typeof stack === 'string' ? stack.split('\n').map(toSourceLine).join('\n') : stack;
      if (shown !== stack) Reflect.set(each, 'stack', shown);
      each = cause;
    }
  } catch {
    // A getter of the site's code threw: the stack stays as it is.
  }
}

function toSourceLine(text: string): string {
  const [, , , path = '', line, column] = FRAME.exec(text) ?? [];
  if (path === '') return text;
  const found: Partial<SourceMapping> = findSourceMap(path)?.findEntry(Number(line) - 1, Number(column) - 1) ?? {};
  const { originalSource: source, originalLine = 0, originalColumn = 0 } = found;
  if (!source) return text;
  const file = source.startsWith('file:') ? fileURLToPath(source) : source;
  return text.replace(`${path}:${line}:${column}`, () => `${file}:${originalLine + 1}:${originalColumn + 1}`);
}

/** Whether an absolute path is that of one of nexthop's own files. */
export function isOwn(path: string): boolean {
  return path.startsWith(OWN);
}
