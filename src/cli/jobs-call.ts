import { UserError } from '../contract/user-error.ts';
import { UsageError } from './usage-error.ts';

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

type Flag = Exclude<keyof JobsCall, 'words'>;

const FLAGS: readonly Flag[] = ['json', 'all', 'state', 'rule', 'limit'];

/** The flags and the numbers of ids that each verb accepts. */
const FORMS = {
  list: { flags: ['json', 'state', 'rule', 'limit'], ids: [0, 0], form: 'list' },
  show: { flags: ['json'], ids: [1, 1], form: 'show ID' },
  retry: {
    flags: ['all', 'rule'],
    ids: [1, Number.POSITIVE_INFINITY],
    form: 'retry ID…, or retry --all for every dead job',
  },
  drop: {
    flags: ['all', 'rule'],
    ids: [1, Number.POSITIVE_INFINITY],
    form: 'drop ID…, or drop --all for every dead job',
  },
} as const satisfies Record<string, { flags: readonly Flag[]; ids: readonly [number, number]; form: string }>;

export type Verb = keyof typeof FORMS;

/** Parses the arguments. Throws a UsageError if they are invalid. */
export function toVerb(call: JobsCall): { readonly verb: Verb; readonly ids: readonly string[] } {
  const [name = 'list', ...ids] = call.words;
  if (!isVerb(name)) {
    const verbs = Object.keys(FORMS).join(', ');
    throw new UsageError(
      `nexthop jobs has the verbs ${verbs}, got ${JSON.stringify(name)}; another site is --site=PATH`,
    );
  }
  const {
    flags,
    ids: [fewest, most],
    form,
  } = FORMS[name];
  const stray = FLAGS.find((flag) => call[flag] && !(flags as readonly Flag[]).includes(flag));
  if (stray) throw new UsageError(`--${stray} is not for nexthop jobs ${name}`);
  if (call.all && ids.length > 0)
    throw new UsageError(`--all means every dead job and excludes ids, got ${ids.join(' ')}`);
  if (call.rule && !call.all && name !== 'list') throw new UsageError(`with nexthop jobs ${name} --rule needs --all`);
  if (!call.all && (ids.length < fewest || ids.length > most)) {
    throw new UsageError(`say nexthop jobs ${form}; got ${ids.length === 0 ? 'no id' : ids.join(' ')}`);
  }
  return { verb: name, ids };
}

function isVerb(name: string): name is Verb {
  return Object.hasOwn(FORMS, name);
}
