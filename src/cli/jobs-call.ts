/** What stands behind `nexthop jobs` on the command line. */
export interface JobsCall {
  /** The verb, `list` if there is none, and ids. */
  readonly words: readonly string[];
  readonly json?: boolean;
  /** Every dead job, instead of ids. */
  readonly all?: boolean;
  readonly state?: string;
  readonly rule?: string;
  readonly limit?: string;
}

/** What keeps jobs from being told of or changed, in words for whoever asked. */
export class JobsError extends Error {
  override readonly name = 'JobsError';
}

type Flag = Exclude<keyof JobsCall, 'words'>;

const FLAGS: readonly Flag[] = ['json', 'all', 'state', 'rule', 'limit'];

/** What may stand behind each verb. */
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

/** Takes the call apart. Throws a JobsError if it makes no sense. */
export function toVerb(call: JobsCall): { readonly verb: Verb; readonly ids: readonly string[] } {
  const [name = 'list', ...ids] = call.words;
  if (!isVerb(name)) {
    const verbs = Object.keys(FORMS).join(', ');
    throw new JobsError(`nexthop jobs knows ${verbs}, got ${JSON.stringify(name)}; another site is --site=PATH`);
  }
  const {
    flags,
    ids: [fewest, most],
    form,
  } = FORMS[name];
  const stray = FLAGS.find((flag) => call[flag] && !(flags as readonly Flag[]).includes(flag));
  if (stray) throw new JobsError(`--${stray} is not for nexthop jobs ${name}`);
  if (call.all && ids.length > 0)
    throw new JobsError(`--all is for every dead job, so no id goes with it, got ${ids.join(' ')}`);
  if (call.rule && !call.all && name !== 'list')
    throw new JobsError(`with nexthop jobs ${name} --rule goes with --all`);
  if (!call.all && (ids.length < fewest || ids.length > most)) {
    throw new JobsError(`say nexthop jobs ${form}; got ${ids.length === 0 ? 'no id' : ids.join(' ')}`);
  }
  return { verb: name, ids };
}

function isVerb(name: string): name is Verb {
  return Object.hasOwn(FORMS, name);
}
