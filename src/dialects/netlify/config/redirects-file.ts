import { didYouMean, type Problem } from '../../../contract/problem.ts';
import { CLOSED_NOTE, meansRole, type RedirectRule, toClosedRule, toForwardDestination } from './redirect-rule.ts';
import { CONDITIONS, toConditions } from './rule-conditions.ts';

export interface RedirectsFile {
  /** In the order of the file. */
  readonly rules: readonly RedirectRule[];
  /** One for each line that is no rule. */
  readonly problems: readonly Problem[];
}

/**
 * Reads the text of a `_redirects` file. Each line is a rule,
 * `from [name=value …] [to] [status[!]] [Condition=a,b …]`, or empty, or a comment; a part that
 * begins with `#` begins a comment, too. A line that is no rule is left out; if it may protect its
 * path, that is closed. `file`: its path, relative to the site.
 */
export function readRedirectsFile(text: string, file: string): RedirectsFile {
  const rules: RedirectRule[] = [];
  const problems: Problem[] = [];
  for (const [index, each] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const parts = toParts(each);
    if (parts.length === 0) continue;
    const place = { file, line: index + 1 };
    const rule = toRule(parts, place);
    const [from = '', ...others] = parts;
    const isLostGuard = typeof rule === 'string' && others.some(mayGuard);
    if (typeof rule !== 'string') rules.push(rule);
    else if (isLostGuard) rules.push(toClosedRule({ ...place, from }));
    if (typeof rule === 'string') {
      const end = isLostGuard ? CLOSED_NOTE : 'the rule is not used';
      problems.push({ severity: 'error', ...place, message: `${rule}; ${end}` });
    }
  }
  return { rules, problems };
}

/** A condition by role, or a status that hides what is there. */
function mayGuard(part: string): boolean {
  const [name = '', value] = part.split('=');
  return value === undefined ? /^[45]\d\d!$/.test(name) : meansRole(name);
}

function toParts(line: string): readonly string[] {
  const parts = line.split(/\s+/).filter((part) => part !== '');
  const comment = parts.findIndex((part) => part.startsWith('#'));
  return comment < 0 ? parts : parts.slice(0, comment);
}

/** Returns a string with the reason if the parts are no rule. */
function toRule([from = '', ...parts]: readonly string[], place: Pick<RedirectRule, 'file' | 'line'>) {
  if (parts.length === 0) return 'must name a path or URL to lead to';
  const isForward = !Number.isNaN(Number.parseInt(parts[0] ?? '', 10));
  const at = isForward ? 0 : parts.findIndex((part) => /^(?:\/|https?:\/\/)/.test(part));
  if (at < 0) return 'must lead to a path with a slash at its start, or to a URL with http:// or https://';
  const query = toPairs(parts.slice(0, at));
  if (typeof query === 'string') return query;
  const [statusPart = '301', ...conditionParts] = parts.slice(isForward ? 0 : at + 1);
  const status = Number.parseInt(statusPart, 10);
  if (!(status >= 200 && status <= 599)) return `must have a status such as 301 there, got "${statusPart}"`;
  const to = isForward ? toForwardDestination(from, status) : parts[at];
  if (to === undefined) return 'must name a path to lead to: only a rule from "/…/*" with status 200 may omit it';
  const pairs = toPairs(conditionParts);
  if (typeof pairs === 'string') return pairs;
  const { Sign, signed = Sign, ...conditions } = pairs;
  const unknown = Object.keys(conditions).find((name) => !CONDITIONS.includes(name));
  if (unknown !== undefined) return `has "${unknown}", which is no condition${didYouMean(unknown, CONDITIONS)}`;
  const rule: RedirectRule = {
    ...place,
    from,
    to,
    status,
    force: statusPart.endsWith('!'),
    query,
    conditions: toConditions(conditions),
    ...(signed !== undefined && { signed }),
    headers: {},
    others: [],
  };
  return rule;
}

/** Returns a string with the reason if one of the parts is no pair. */
function toPairs(parts: readonly string[]): Readonly<Record<string, string>> | string {
  const pairs = parts.map((part) => part.split('='));
  const wrong = pairs.findIndex(([name, value]) => !name || value === undefined);
  if (wrong >= 0) return `has "${parts[wrong]}" where a condition such as "id=:id" or "Country=de" may stand`;
  return Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value]));
}
