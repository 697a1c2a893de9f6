import { relative } from 'node:path';
import { isNativeError } from 'node:util/types';
import { Fault } from '../contract/fault.ts';
import { isOwn, toStackFrame, toStackFrames } from '../contract/stack-frame.ts';
import type { CodeLocation } from '../process/caller.ts';

type Details = Readonly<Record<string, unknown>>;

export interface TopLine {
  readonly message: string;
  /** With `error` as it was thrown, and where that was: `file`, `line` and `column`, as far as they are known. */
  readonly details: Details;
  /** Of the error, without the frames of nexthop if it has others of the site; undefined for an error without a stack. */
  readonly stack: string | undefined;
}

/**
 * The parts of a log line that come first: the message, and the location of the error in the details. For a function's Fault, these are the message and
 * location of the error that the function threw. `site`: files below it get relative names. Throws what a getter of the details throws.
 */
export function withErrorOnTop(message: string, details: Details, site: string | undefined): TopLine {
  const { error: given, ...rest } = details;
  if (given === undefined) return { message, details, stack: undefined };
  const isOfFunction = given instanceof Fault && given.origin === 'function' && given.cause !== undefined;
  const error = isOfFunction ? given.cause : given;
  const own = isError(error) ? error.message : `threw ${spell(error)}`;
  const stack = isError(error) && typeof error.stack === 'string' ? error.stack : undefined;
  const isCodeAlone = isOfFunction && message === given.code;
  const location = stack && locationOf(stack, site);
  return {
    message: isCodeAlone ? own : join(message, own),
    details: { ...rest, ...location, error },
    stack: location && stack ? withoutOwnFrames(stack) : stack,
  };
}

function join(message: string, own: string): string {
  return own === '' || message.includes(own) ? message : `${message}: ${own}`;
}

/** Also one of another realm. */
function isError(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value);
}

function spell(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // A circle, a BigInt, a getter that throws: what it is must do.
    return typeof value;
  }
}

const PACKAGE = /[\\/]node_modules[\\/]/;

/** The nearest place that is the site's own code; else the nearest in a package of the site. */
function locationOf(stack: string, site: string | undefined): CodeLocation | undefined {
  const places = toStackFrames(stack).filter(({ file }) => !isOwn(file));
  const inPackage = ({ file }: CodeLocation): boolean => PACKAGE.test(file);
  const place =
    places.find((each) => !inPackage(each)) ?? places.find(({ file }) => site !== undefined && isBelow(file, site));
  if (!place) return undefined;
  const { file, line, column } = place;
  return { file: site !== undefined && isBelow(file, site) ? relative(site, file) : file, line, column };
}

/** Also without frames of Node at the end, through which nexthop called the function. */
function withoutOwnFrames(stack: string): string {
  const lines = stack.split('\n');
  const kept = lines.filter((line) => !isOwn(toStackFrame(line)?.file ?? ''));
  if (kept.length < lines.length) while (NODE_FRAME.test(kept.at(-1) ?? '')) kept.pop();
  return kept.join('\n');
}

const NODE_FRAME = /^\s+at .*\bnode:/;

function isBelow(file: string, folder: string): boolean {
  return !relative(folder, file).startsWith('..');
}
