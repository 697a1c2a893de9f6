import type { JobRule, Reading } from '../contract/dialect.ts';
import type { Problem } from '../contract/problem.ts';

export interface JobRules {
  /** Each of another name. */
  readonly rules: readonly JobRule[];
  /** One for each rule that is left out. */
  readonly problems: readonly Problem[];
}

/** The rules of all readings. A stored job says only the name of its rule, so of two that have the same the first holds. */
export function toJobRules(readings: readonly Reading[]): JobRules {
  const rules = new Map<string, JobRule>();
  const problems: Problem[] = [];
  for (const rule of readings.flatMap(({ jobRules = [] }) => jobRules)) {
    const first = rules.get(rule.name);
    if (first) problems.push(toProblem(first, rule));
    else rules.set(rule.name, rule);
  }
  return { rules: [...rules.values()], problems };
}

function toProblem(first: JobRule, { file, name }: JobRule): Problem {
  const message = `its jobs are called ${name}, as those of ${first.file} are, which run instead; give one of the two another name`;
  return { severity: 'error', file, message };
}
