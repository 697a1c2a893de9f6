import { parseArgs } from 'node:util';
import { SETTINGS, type SettingName, toFlag } from '../config/settings.ts';
import { countEdits, nearestWord, toLetters } from '../contract/nearest-word.ts';
import type { Command, FlagForm, FlagTable, FlagValues } from './command.ts';
import { explainForeignFlag } from './foreign-flags.ts';

/** Flags of every command. */
const COMMON = {
  site: { value: 'FOLDER', about: 'the site; default: this folder' },
  help: { short: 'h', about: 'print this text' },
} as const satisfies FlagTable;

const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** Settings that have a short flag, as in other command lines. */
const SHORT: Readonly<Partial<Record<SettingName, string>>> = { PORT: 'p' };

/** The word for the value of a setting. */
const SETTING_VALUE = 'VALUE';

const SETTING_FLAGS: FlagTable = Object.fromEntries(
  SETTING_NAMES.map((name) => {
    const { [name]: short } = SHORT;
    return [toFlag(name), { value: SETTING_VALUE, about: SETTINGS[name].about, ...(short && { short }) }];
  }),
);

/** A site that is given to a command without one would be ignored. */
function commonOf({ hasSite }: Pick<Command, 'hasSite'>): FlagTable {
  const { help } = COMMON;
  return hasSite === false ? { help } : COMMON;
}

const VERSION = ['--version', '-v', '-V'];

/** The arguments of one call of a command. */
export interface Arguments {
  readonly flags: FlagValues<FlagTable>;
  readonly settings: Readonly<Partial<Record<SettingName, string>>>;
  readonly words: readonly string[];
  readonly site: string | undefined;
  /** One line for each flag or word that does not fit. */
  readonly complaints: readonly string[];
}

/** What is known before the command is. */
export interface Opening {
  /** The command; undefined if there is none. */
  readonly name: string | undefined;
  /** Its arguments. */
  readonly rest: readonly string[];
  readonly isHelp: boolean;
  readonly isVersion: boolean;
}

/** Finds the name of the command: the first word that is neither a flag nor the value of a setting or a site. */
export function readOpening(argv: readonly string[]): Opening {
  const tokens = toTokens(argv, { ...SETTING_FLAGS, ...COMMON });
  const name = tokens.find((token) => token.kind === 'positional');
  const flags = tokens.flatMap((token) => (token.kind === 'option' ? [token.rawName] : []));
  return {
    name: name?.value,
    rest: name ? argv.toSpliced(name.index, 1) : argv,
    isHelp: flags.includes('--help') || flags.includes('-h'),
    isVersion: name === undefined && flags.some((flag) => VERSION.includes(flag)),
  };
}

/**
 * Reads the arguments of a command. What does not fit is in `complaints`, all of it at once.
 * `others`: commands that are named if an unknown flag is one of theirs.
 */
export function readArguments(
  name: string,
  { flags: own = {}, words: kind = 'site', isOwnWord = () => kind === 'own', ...command }: Command,
  rest: readonly string[],
  others: Readonly<Record<string, Command>> = {},
): Arguments {
  const table: FlagTable = { ...SETTING_FLAGS, ...commonOf(command), ...own };
  const values = new Map<string, string | boolean>();
  const positionals: string[] = [];
  const complaints: string[] = [];
  for (const token of toTokens(rest, table)) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const form = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    const complaint = form ? complainAboutValue(token, form) : complainAboutName(token, name, { table, others });
    if (complaint === undefined) values.set(token.name, toValue(token, form, values.get(token.name)));
    else complaints.push(complaint);
  }
  const settings = SETTING_NAMES.flatMap((setting) => {
    const value = values.get(toFlag(setting));
    return typeof value === 'string' && !Object.hasOwn(own, toFlag(setting)) ? [[setting, value]] : [];
  });
  const named = values.get('site');
  const words = positionals.filter((word) => isOwnWord(word, named !== undefined));
  const sites = [...(typeof named === 'string' ? [named] : []), ...positionals.filter((word) => !words.includes(word))];
  const [site, extra] = sites;
  if (site !== undefined && command.hasSite === false)
    complaints.push(`${name} has no site, got ${JSON.stringify(site)}`);
  else if (extra !== undefined) complaints.push(`one site at a time, got ${JSON.stringify(extra)} too`);
  return {
    flags: Object.fromEntries([...values].filter(([flag]) => Object.hasOwn(own, flag))) as FlagValues<FlagTable>, // by the table
    settings: Object.fromEntries(settings),
    words,
    site,
    complaints,
  };
}

/** `before`: the value of the same flag that was given before. Only the last one counts, except in a list. */
function toValue(
  { value }: FlagToken,
  form: FlagForm | undefined,
  before: string | boolean | undefined,
): string | boolean {
  const isOneOfMany = form?.separator !== undefined && before !== undefined;
  return isOneOfMany ? `${before}${form.separator}${value}` : (value ?? true);
}

interface FlagToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

type Token =
  | (FlagToken & { readonly kind: 'option' })
  | { readonly kind: 'positional'; readonly value: string; readonly index: number };

/** Node's parser decides where a value belongs to a flag. It reports only the first mistake, and not which flag was meant, so its own checks are off. */
function toTokens(argv: readonly string[], table: FlagTable): readonly Token[] {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { value, short }]) => [
      name,
      { type: value === undefined ? 'boolean' : 'string', ...(short && { short }) } as const,
    ]),
  );
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...options, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  return tokens.filter((token) => token.kind !== 'option-terminator').map(withoutEquals);
}

/** `-p=80` means what `--port=80` means. */
function withoutEquals(token: Token): Token {
  if (token.kind !== 'option' || !token.inlineValue || token.rawName.startsWith('--')) return token;
  return { ...token, value: token.value?.replace(/^=/, '') };
}

interface Known {
  readonly table: FlagTable;
  readonly others: Readonly<Record<string, Command>>;
}

/** A flag that another command has is no misspelt flag of this one. */
function complainAboutName({ name, rawName }: FlagToken, command: string, { table, others }: Known): string {
  const isLong = rawName.startsWith('--');
  const owners = Object.keys(others).filter((other) => {
    const flags = others[other]?.flags ?? {};
    return isLong ? Object.hasOwn(flags, name) : Object.values(flags).some(({ short }) => short === name);
  });
  const known = Object.keys(table).map((flag) => `--${flag}`);
  const nearest = isLong && owners.length === 0 ? didYouMean(rawName, known) : '';
  const meant = explainForeignFlag(name, command, table) ?? nearest;
  const found = meant === '' && owners.length > 0 && owners.length <= 3;
  const owned = found ? ` (a flag of nexthop ${owners.join(', ')})` : '';
  return `${command} has no flag ${rawName}${owned}${meant || `; "nexthop ${command} --help" lists its flags`}`;
}

/** Flags are short words, and two edits of five letters make another word: `--since` is not `--site`. */
function didYouMean(rawName: string, known: readonly string[]): string {
  const nearest = nearestWord(rawName, known);
  const letters = toLetters(rawName);
  const isNear = nearest !== undefined && 3 * countEdits(letters, toLetters(nearest)) <= letters.length;
  return isNear ? `; did you mean ${nearest}?` : '';
}

function complainAboutValue({ rawName, value, inlineValue }: FlagToken, form: FlagForm): string | undefined {
  if (form.value === undefined) {
    return value === undefined ? undefined : `${rawName} has no value, got ${JSON.stringify(value)}`;
  }
  const about = form.value === SETTING_VALUE ? ` (${form.about})` : '';
  if (value === undefined) return `${rawName} needs a value: ${rawName}=${form.value}${about}`;
  const isFlag = !inlineValue && value.startsWith('--');
  return isFlag ? `${rawName} needs a value, got the flag ${value}; write ${rawName}=${form.value}` : undefined;
}

type SpeltFlag = readonly [form: string, about: string, short?: string];

/** The flags of a command for `--help`, in its own order, then those of every command. */
export function flagsOf({ flags = {}, ...command }: Command): readonly SpeltFlag[] {
  const table: FlagTable = { ...flags, ...commonOf(command) };
  return Object.entries(table).map(([name, { value, about, short }]) => {
    const form = `--${name}${value === undefined ? '' : `=${value}`}`;
    return short === undefined ? [form, about] : [form, about, `-${short}`];
  });
}
