import type { RuleConditions } from './redirect-rule.ts';

/** The names of the conditions of a rule. The first letter may be small. */
export const CONDITIONS: readonly string[] = ['Country', 'Language', 'Role', 'Cookie'].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

/** Converts the conditions of a rule: lists, or texts with commas. Of both spellings of a name the small one counts. */
export function toConditions(given: Readonly<Record<string, string | readonly string[]>>): RuleConditions {
  const entries = CONDITIONS.flatMap((name) => {
    const value = given[name];
    return value === undefined ? [] : [[name.toLowerCase(), toList(value)] as const];
  });
  return Object.fromEntries(entries);
}

function toList(value: string | readonly string[]): readonly string[] {
  const list = typeof value === 'string' ? value.split(',') : value;
  // An empty value never holds: it would fit a client of which nothing is known.
  return list.map((each) => each.trim()).filter((each) => each !== '');
}
