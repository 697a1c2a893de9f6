import { UserError } from '../contract/user-error.ts';
import { UsageError } from './usage-error.ts';
import { readVerb, type VerbForm } from './verbs.ts';

/** The arguments of `nexthop blobs`. */
export interface BlobsCall {
  /** The verb (`list` if there is none), and its names. */
  readonly words: readonly string[];
  readonly json?: boolean;
  /** All blobs of a store, instead of a key. */
  readonly all?: boolean;
  /** Delete all without a question. */
  readonly yes?: boolean;
  readonly prefix?: string;
  /** Id of a site at Netlify. */
  readonly from?: string;
}

/** Why blobs cannot be read or changed; the message is for the user. */
export class BlobsError extends UserError {
  override readonly name = 'BlobsError';
}

const FORMS = {
  list: { flags: ['json', 'prefix'], words: [0, 1], form: 'list [STORE] [--prefix=…]' },
  get: { flags: ['json'], words: [2, 2], form: 'get STORE KEY' },
  set: { flags: ['json'], words: [2, 3], form: 'set STORE KEY [FILE]' },
  delete: { flags: ['json', 'all', 'yes'], words: [1, 2], form: 'delete STORE KEY, or delete STORE --all [--yes]' },
  import: {
    flags: ['json', 'from'],
    words: [0, Number.POSITIVE_INFINITY],
    form: 'import STORE FOLDER, or import --from=SITE_ID [STORE…]',
  },
} as const satisfies Record<string, VerbForm>;

export type BlobsVerb = keyof typeof FORMS;

/** Parses the arguments. Throws a UsageError if they are invalid. */
export function toBlobsVerb(call: BlobsCall): { readonly verb: BlobsVerb; readonly names: readonly string[] } {
  const table = { command: 'blobs', verbs: FORMS, siteHint: 'the site is --site=PATH' };
  const { verb, words: names, isCountRight, form } = readVerb<BlobsVerb>(table, call);
  const isDelete = verb !== 'delete' || names.length === (call.all ? 1 : 2);
  const isImport = verb !== 'import' || call.from !== undefined || names.length === 2;
  if (!isCountRight || !isDelete || !isImport) {
    throw new UsageError(`say nexthop blobs ${form}; got ${names.length === 0 ? 'no name' : names.join(' ')}`);
  }
  return { verb, names };
}

/** `orders` is the store of `getStore('orders')`. A name with a colon is the whole name, such as that of a deploy store. */
export function toStoreName(name: string): string {
  return name.includes(':') ? name : `site:${name}`;
}
