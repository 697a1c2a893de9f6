import { didYouMean } from '../contract/problem.ts';
import { UsageError } from './usage-error.ts';

/** What a verb of a command accepts, e.g. `list` of `nexthop jobs`. */
export interface VerbForm {
  /** The flags that mean something to it. */
  readonly flags: readonly string[];
  /** The fewest and the most words that follow it. */
  readonly words: readonly [fewest: number, most: number];
  /** How to write it, for messages. */
  readonly form: string;
}

export interface VerbTable<V extends string> {
  /** The name of the command. */
  readonly command: string;
  readonly verbs: Readonly<Record<V, VerbForm>>;
  /** How another site is named, which a person may have given as the verb. */
  readonly siteHint: string;
}

export interface ReadVerb<V extends string> {
  readonly verb: V;
  readonly words: readonly string[];
  /** Whether the number of words is right for the verb. */
  readonly isCountRight: boolean;
  readonly form: string;
}

/**
 * Finds the verb of a command: the first word, or `list`. Throws a UsageError for a word that is no
 * verb, and for a flag that means nothing to the verb.
 */
export function readVerb<V extends string>(
  { command, verbs, siteHint }: VerbTable<V>,
  { words: given, ...flags }: { readonly words: readonly string[] },
): ReadVerb<V> {
  const [verb = 'list', ...words] = given;
  if (!isVerb(verbs, verb)) {
    const known = Object.keys(verbs);
    const advice = didYouMean(verb, known) || `; ${siteHint}`;
    throw new UsageError(`nexthop ${command} has the verbs ${known.join(', ')}, got ${JSON.stringify(verb)}${advice}`);
  }
  const { flags: known, words: counts, form } = verbs[verb];
  for (const [flag, value] of Object.entries(flags)) {
    const isGiven = value !== undefined && value !== false;
    if (isGiven && !known.includes(flag)) throw new UsageError(`--${flag} is not for nexthop ${command} ${verb}`);
  }
  const [fewest, most] = counts;
  return { verb, words, isCountRight: words.length >= fewest && words.length <= most, form };
}

function isVerb<V extends string>(verbs: Readonly<Record<V, VerbForm>>, word: string): word is V {
  return Object.hasOwn(verbs, word);
}
