import { nearestWord } from '../../../contract/nearest-word.ts';
import type { RateRule } from '../../../contract/rate-limit.ts';

/**
 * One rule of `_redirects` or of `[[redirects]]`. Its values have the right types; their meaning is
 * not yet checked.
 */
export interface RedirectRule {
  /** Relative to the site. */
  readonly file: string;
  /** The line of the rule; undefined if unknown. */
  readonly line?: number;
  /** A path, or a URL whose host and scheme must be those of the request. */
  readonly from: string;
  readonly to: string;
  /** Default 301. */
  readonly status: number;
  /** Whether the rule takes precedence over functions and files with the same path. */
  readonly force: boolean;
  /**
   * Query parameters that a request must have: name → required value, or `:name` for any value,
   * also an empty one.
   */
  readonly query: Readonly<Record<string, string>>;
  readonly conditions: RuleConditions;
  /** Name of the variable that holds the secret with which requests to another host are signed. */
  readonly signed?: string;
  /** Sent to the other host with each request. */
  readonly headers: Readonly<Record<string, string>>;
  /** 'wrong': requests that match get 404, because the limit may protect what answers. */
  readonly rateLimit?: RateRule | 'wrong';
  /** Other keys that are set, e.g. `edge_handler`. */
  readonly others: readonly string[];
}

/** Each list holds if one of its values does; all lists must hold. Undefined: no condition. */
export interface RuleConditions {
  /** Two-letter codes. */
  readonly country?: readonly string[];
  /** Languages (`en`) or regional languages (`en-GB`). */
  readonly language?: readonly string[];
  readonly role?: readonly string[];
  /** Names of cookies that have a value. */
  readonly cookie?: readonly string[];
}

/**
 * In the place of a rule that cannot be used and that protects its path, or may do so: no client has a role for it, so that it is 404 unless a later rule
 * answers.
 */
export function toClosedRule({ file, line, from }: Pick<RedirectRule, 'file' | 'line' | 'from'>): RedirectRule {
  return {
    ...{ file, ...(line !== undefined && { line }), from, to: '/', status: 404, force: true },
    ...{ query: {}, conditions: { role: [] }, headers: {}, others: [] },
  };
}

/** Whether a rule protects its path: by a role, a limit, or as a status that hides what is there. */
export function isGuard({ conditions, rateLimit, force, status }: RedirectRule): boolean {
  return conditions.role !== undefined || rateLimit !== undefined || (force && status >= 400);
}

/** Whether the name of a condition that does not exist may be a misspelt `Role`. */
export function meansRole(name: string): boolean {
  return nearestWord(name, ['role']) !== undefined;
}

/** The end of a message about a rule in whose place `toClosedRule` is. */
export const CLOSED_NOTE = 'the rule may protect its path, which answers 404';

/**
 * The `to` of a rule that names none: the same path, for a rule of a whole folder with a 2xx status.
 * Undefined if the rule must name it.
 */
export function toForwardDestination(from: string, status: number): string | undefined {
  return from.endsWith('/*') && status >= 200 && status < 300 ? `${from.slice(0, -1)}:splat` : undefined;
}

/**
 * Removes repeated rules, as the platform does: of equal ones only the last stays, in its place. A
 * rule between them therefore precedes it.
 */
export function withoutRepeats(rules: readonly RedirectRule[]): {
  readonly rules: readonly RedirectRule[];
  readonly repeated: readonly RedirectRule[];
} {
  const last = new Map(rules.map((rule) => [toKey(rule), rule]));
  return {
    rules: rules.filter((rule) => last.get(toKey(rule)) === rule),
    repeated: rules.filter((rule) => last.get(toKey(rule)) !== rule),
  };
}

function toKey({
  from,
  to,
  status,
  force,
  query,
  conditions,
  signed,
  headers,
  rateLimit,
  others,
}: RedirectRule): string {
  const { country, language, role, cookie } = conditions;
  const lists = [Object.entries(query).sort(), Object.entries(headers).sort()];
  return JSON.stringify([from, to, status, force, country, language, role, cookie, signed, lists, rateLimit, others]);
}
