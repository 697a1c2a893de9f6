import { relative } from 'node:path';
import { isError, withErrorMessage } from '../contract/error-message.ts';
import { thrownBy } from '../contract/fault.ts';
import { isOwn, showSources, toStackFrame, toStackFrames } from '../contract/stack-frame.ts';
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
  const error = thrownBy(given);
  showSources(error);
  const stack = isError(error) && typeof error.stack === 'string' ? error.stack : undefined;
  const location = stack && locationOf(stack, site);
  return {
    message: withErrorMessage(message, given),
    details: { ...rest, ...location, error },
    stack: location && stack ? withoutOwnFrames(stack) : stack,
  };
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
