import { UserError } from '../contract/user-error.ts';
import { UsageError } from './usage-error.ts';
import { readVerb, type VerbForm } from './verbs.ts';

/** The arguments of `nexthop jobs`. */
export interface JobsCall {
  /** The verb (`list` if there is none) and ids. */
  readonly words: readonly string[];
  readonly json?: boolean;
  /** All dead jobs, instead of ids. */
  readonly all?: boolean;
  readonly state?: string;
  readonly rule?: string;
  readonly limit?: string;
}

/** Why jobs cannot be shown or changed; the message is for the user. */
export class JobsError extends UserError {
  override readonly name = 'JobsError';
}

/** The flags and the numbers of ids that each verb accepts. */
const FORMS = {
  list: { flags: ['json', 'state', 'rule', 'limit'], words: [0, 0], form: 'list' },
  schedules: { flags: ['json'], words: [0, 0], form: 'schedules' },
  show: { flags: ['json'], words: [1, 1], form: 'show ID' },
  retry: {
    flags: ['all', 'rule'],
    words: [1, Number.POSITIVE_INFINITY],
    form: 'retry ID…, or retry --all for every dead job',
  },
  drop: {
    flags: ['all', 'rule'],
    words: [1, Number.POSITIVE_INFINITY],
    form: 'drop ID…, or drop --all for every dead job',
  },
} as const satisfies Record<string, VerbForm>;

export type Verb = keyof typeof FORMS;

/** Parses the arguments. Throws a UsageError if they are invalid. */
export function toVerb(call: JobsCall): { readonly verb: Verb; readonly ids: readonly string[] } {
  const table = { command: 'jobs', verbs: FORMS, siteHint: 'another site is --site=PATH' };
  const { verb, words: ids, isCountRight, form } = readVerb<Verb>(table, call);
  if (call.all && ids.length > 0)
    throw new UsageError(`--all means every dead job and excludes ids, got ${ids.join(' ')}`);
  if (call.rule && !call.all && verb !== 'list') throw new UsageError(`with nexthop jobs ${verb} --rule needs --all`);
  if (!call.all && !isCountRight) {
    throw new UsageError(`say nexthop jobs ${form}; got ${ids.length === 0 ? 'no id' : ids.join(' ')}`);
  }
  return { verb, ids };
}
