import { nearestWord } from '../config/nearest-word.ts';
import type { Log } from './log.ts';

/** A mistake in the files of the site. Printed at start and by `routes`. */
export interface Problem {
  /** error: a route does not work. warning: a file is not used as its author may expect. */
  readonly severity: 'error' | 'warning';
  /** Relative to the site; `environment` for a variable of the process. */
  readonly file: string;
  readonly line?: number;
  /** Starts at 1. */
  readonly column?: number;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** `file:line:column`, as far as they are known. */
export function toLocation({ file, line, column }: Problem): string {
  return [file, line, column].filter((part) => part !== undefined).join(':');
}

/** Writes the problems of a site to the log. */
export function logProblems(log: Log, problems: readonly Problem[]): void {
  for (const problem of problems) {
    const file = toLocation(problem);
    if (problem.severity === 'error') log.error(problem.message, { file });
    else log.warn(problem.message, { file });
  }
}

/** A suffix for a message about an unknown word: the nearest known word, or '' if none is near. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const nearest = nearestWord(word, known);
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}
