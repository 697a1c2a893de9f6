import type { Log } from './log.ts';
import { nearestWord } from './nearest-word.ts';

/** A mistake in the files of the site. Printed at start and by `routes`. */
export interface Problem {
  /**
   * error: because of a mistake, something that a file declares (a function, page, rule, header,
   * schedule, limit or guard) is not used, or answers an error. warning: all that is declared is used,
   * or nexthop does not have that part of the platform; its author may expect something else.
   */
  readonly severity: 'error' | 'warning';
  /** Relative to the site; `environment` for a variable of the process. */
  readonly file: string;
  readonly line?: number;
  /** Starts at 1. */
  readonly column?: number;
  /** What is wrong and what to do. */
  readonly message: string;
  /** Other files whose routes do not work because of it, relative to the site. */
  readonly stops?: readonly string[];
  /** Files whose routes keep the code that worked before, relative to the site. */
  readonly keeps?: readonly string[];
}

/** `file:line:column`, as far as they are known. */
export function toLocation({ file, line, column }: Problem): string {
  return [file, line, column].filter((part) => part !== undefined).join(':');
}

/** One problem for each mistake, however many readers of the site found it: an error if it is one for any of them, with all that it stops. */
export function mergeProblems(problems: readonly Problem[]): readonly Problem[] {
  const merged = new Map<string, Problem>();
  for (const problem of problems) {
    const key = JSON.stringify([toLocation(problem), problem.message]);
    const before = merged.get(key);
    merged.set(key, before ? merge(before, problem) : problem);
  }
  return [...merged.values()];
}

function merge(first: Problem, second: Problem): Problem {
  const [stops, keeps] = (['stops', 'keeps'] as const).map((name) => [
    ...new Set([...(first[name] ?? []), ...(second[name] ?? [])]),
  ]) as [string[], string[]];
  const severity = [first, second].some((each) => each.severity === 'error') ? 'error' : 'warning';
  return { ...first, severity, ...(stops.length > 0 && { stops }), ...(keeps.length > 0 && { keeps }) };
}

/** How many stopped files are named in one line. */
const MOST_NAMES = 3;

/** The problem with what it stops, and what keeps working, in its message. */
export function nameStopped(problem: Problem): Problem {
  const { message, stops = [], keeps = [] } = problem;
  const notes = [
    ...(stops.length > 0 ? [`routes that answer 500: ${enumerate(stops)}`] : []),
    ...(keeps.length > 0 ? [`routes that keep the code that worked before: ${enumerate(keeps)}`] : []),
  ];
  return notes.length === 0 ? problem : { ...problem, message: `${message} (${notes.join('; ')})` };
}

function enumerate(files: readonly string[]): string {
  const names = files.slice(0, MOST_NAMES).join(', ');
  return files.length > MOST_NAMES ? `${names} and ${files.length - MOST_NAMES} more` : names;
}

/** Writes the problems of a site to the log. */
export function logProblems(log: Log, problems: readonly Problem[]): void {
  for (const { severity, message, ...place } of problems) {
    if (severity === 'error') log.error(message, place);
    else log.warn(message, place);
  }
}

/** A suffix for a message about an unknown word: the nearest known word, or '' if none is near. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const nearest = nearestWord(word, known);
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}
