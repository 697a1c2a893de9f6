import { UsageError } from './usage-error.ts';
import { readVerb, type VerbForm } from './verbs.ts';

/** The arguments of `nexthop forms`. */
export interface FormsCall {
  /** The verb (`list` if there is none), and names or ids. */
  readonly words: readonly string[];
  readonly json?: boolean;
  readonly csv?: boolean;
  /** All submissions, or those of `form`, instead of ids. */
  readonly all?: boolean;
  readonly form?: string;
  /** Delete all without a question. */
  readonly yes?: boolean;
  readonly limit?: string;
}

const FORMS = {
  list: { flags: ['json', 'limit'], words: [0, 1], form: 'list [FORM]' },
  show: { flags: ['json'], words: [1, 1], form: 'show ID' },
  export: { flags: ['json', 'csv'], words: [0, 1], form: 'export [FORM] --csv, or export [FORM] --json' },
  delete: {
    flags: ['json', 'all', 'form', 'yes'],
    words: [0, Number.POSITIVE_INFINITY],
    form: 'delete ID…, or delete --all [--form=FORM] [--yes]',
  },
} as const satisfies Record<string, VerbForm>;

export type FormsVerb = keyof typeof FORMS;

/** Parses the arguments. Throws a UsageError if they are invalid. */
export function toFormsVerb(call: FormsCall): { readonly verb: FormsVerb; readonly words: readonly string[] } {
  const table = { command: 'forms', verbs: FORMS, siteHint: 'the site is --site=PATH' };
  const { verb, words, isCountRight, form } = readVerb<FormsVerb>(table, call);
  const isExport = verb !== 'export' || Boolean(call.json) !== Boolean(call.csv);
  const isDelete = verb !== 'delete' || (call.all ? words.length === 0 : words.length > 0 && call.form === undefined);
  if (!isCountRight || !isExport || !isDelete) throw new UsageError(`say nexthop forms ${form}`);
  return { verb, words };
}
