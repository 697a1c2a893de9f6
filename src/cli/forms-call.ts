import { UsageError } from './usage-error.ts';

/** The arguments of `nexthop forms`. */
export interface FormsCall {
  /** The verb (`list` if there is none), and names or ids. */
  readonly words: readonly string[];
  readonly json?: boolean;
  readonly csv?: boolean;
  /** All submissions, or those of `form`, instead of ids. */
  readonly all?: boolean;
  readonly form?: string;
  readonly limit?: string;
}

const FORMS = {
  list: { flags: ['json', 'limit'], words: [0, 1], form: 'list [FORM]' },
  show: { flags: ['json'], words: [1, 1], form: 'show ID' },
  export: { flags: ['json', 'csv'], words: [0, 1], form: 'export [FORM] --csv, or export [FORM] --json' },
  delete: {
    flags: ['all', 'form'],
    words: [0, Number.POSITIVE_INFINITY],
    form: 'delete ID…, or delete --all [--form=FORM]',
  },
} as const satisfies Record<string, { flags: readonly string[]; words: readonly [number, number]; form: string }>;

export type FormsVerb = keyof typeof FORMS;

/** Parses the arguments. Throws a UsageError if they are invalid. */
export function toFormsVerb(call: FormsCall): { readonly verb: FormsVerb; readonly words: readonly string[] } {
  const [verb = 'list', ...words] = call.words;
  if (!isVerb(verb)) {
    const verbs = Object.keys(FORMS).join(', ');
    throw new UsageError(`nexthop forms has the verbs ${verbs}, got ${JSON.stringify(verb)}; the site is --site=PATH`);
  }
  const { flags, form } = FORMS[verb];
  const [fewest, most] = FORMS[verb].words;
  for (const flag of ['json', 'csv', 'all', 'form', 'limit'] as const) {
    const isKnown = (flags as readonly string[]).includes(flag);
    if (call[flag] && !isKnown) throw new UsageError(`--${flag} is not for nexthop forms ${verb}`);
  }
  const isExport = verb !== 'export' || Boolean(call.json) !== Boolean(call.csv);
  const isDelete = verb !== 'delete' || (call.all ? words.length === 0 : words.length > 0 && call.form === undefined);
  if (words.length < fewest || words.length > most || !isExport || !isDelete) {
    throw new UsageError(`say nexthop forms ${form}`);
  }
  return { verb, words };
}

function isVerb(verb: string): verb is FormsVerb {
  return Object.hasOwn(FORMS, verb);
}
