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

/** Whether an absolute path is that of one of nexthop's own files. */
export function isOwn(path: string): boolean {
  return path.startsWith(OWN);
}
