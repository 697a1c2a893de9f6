import type { Log } from '../contract/log.ts';
import { type Problem, toPlace } from '../contract/problem.ts';

/** Tells the log what the author of a site should know. */
export function logProblems(log: Log, problems: readonly Problem[]): void {
  for (const problem of problems) {
    const file = toPlace(problem);
    if (problem.severity === 'error') log.error(problem.message, { file });
    else log.warn(problem.message, { file });
  }
}
