import { canBeNear, countEdits, mostEdits, nearestWord, toLetters } from '../contract/nearest-word.ts';
import { SETTINGS } from './settings.ts';

/** A variable that nexthop does not read, and the setting that it was most likely meant to be. */
export interface MisspeltSetting {
  readonly name: string;
  readonly setting: string;
}

export interface MisspeltOptions {
  /**
   * Settings that are set under their correct names: a variable that is similar to one of them is
   * something else. Except a typing error in variables of the site, which another author wrote.
   */
  readonly given: ReadonlySet<string>;
  /**
   * The variables are for the code of the site: one with the letters of a name that other programs
   * use, too (`LOGDIR`), is most likely its own.
   */
  readonly isForSite?: boolean;
}

/**
 * Finds the variables that look like misspelt settings. Every process has dozens of variables of
 * other programs, so only these count: the letters of a setting of several words (`LOGDIR`,
 * `next_hop`); a typing error in the words of a setting, if no other program uses its name
 * (`NEXT_HOPS`); a typing error in any setting that gives no other word (`PORTT`, `PROT`); and a
 * setting after the name of nexthop (`NEXTHOP_LOGDIR`, `NEXT_HOP_URL`). Variables that Kubernetes
 * and Docker set for a service named next-hop do not count.
 */
export function findMisspeltSettings(
  env: Readonly<Record<string, string | undefined>>,
  { given, isForSite = false }: MisspeltOptions,
): readonly MisspeltSetting[] {
  const candidates = NAMES.filter((name) => !given.has(name));
  return Object.entries(env).flatMap(([name, value = '']) => {
    if (Object.hasOwn(SETTINGS, name) || isOfService(name, value)) return [];
    const letters = toLetters(name);
    const setting =
      (isForSite ? NAMES : candidates).find((each) => isPlainSlip(letters, each)) ??
      findAfterPrefix(name, candidates) ??
      candidates.find((each) => isNear({ name, letters }, each, isForSite));
    return setting === undefined ? [] : [{ name, setting }];
  });
}

/** What is wrong, for a person. */
export function toComplaint({ name, setting }: MisspeltSetting): string {
  return `${name} is no setting of nexthop; did you mean ${setting}?`;
}

const NAMES: readonly string[] = Object.keys(SETTINGS);
const LETTERS: ReadonlyMap<string, string> = new Map(NAMES.map((name) => [name, toLetters(name)]));
/** The most letters in which a misspelt name differs. */
const MOST_EDITS = 2;

/** Whether other programs use variables of this name, so that a similar name means nothing. */
export function isGeneric(name: string): boolean {
  return !name.includes('_') || GENERIC.has(name);
}

const GENERIC: ReadonlySet<string> = new Set([
  ...['BODY_LIMIT', 'DATA_DIR', 'HEADER_LIMIT', 'HEADERS_TIMEOUT', 'KEEP_ALIVE_TIMEOUT', 'LIST_KEY_PREFIX'],
  ...['LIST_KEY_SUFFIX', 'LOG_DIR', 'LOG_LEVEL', 'LOG_STDOUT', 'MAX_CONNECTIONS', 'REDIS_BRPOP_TIMEOUT_SECONDS'],
  ...['REDIS_HOST', 'REDIS_PORT', 'REDIS_PREFIX', 'REDIS_URL', 'SERVER_CERT_PATH', 'SERVER_KEY_PATH'],
]);

/** Hosting platforms such as Railway set REDISHOST and REDISPORT for their Redis. */
const NEVER: ReadonlySet<string> = new Set(['REDIS_HOST', 'REDIS_PORT']);

interface Variable {
  readonly name: string;
  readonly letters: string;
}

function isNear({ name, letters }: Variable, setting: string, isForSite: boolean): boolean {
  const wanted = LETTERS.get(setting) ?? '';
  if (!canBeNear(letters, wanted, MOST_EDITS) || NEVER.has(setting)) return false;
  if (letters === wanted) return setting.includes('_') && !(isForSite && isGeneric(setting));
  if (isGeneric(setting) || wanted.length < 7) return false;
  const words = name.toUpperCase().split('_');
  const wantedWords = setting.split('_');
  if (words.length !== wantedWords.length) return countEdits(letters, wanted) === 1;
  const edits = words.map((word, index) => countEdits(word, wantedWords[index] ?? ''));
  const isSlip = edits.every((count, index) => count <= mostEdits(wantedWords[index] ?? ''));
  return isSlip && edits.reduce((sum, count) => sum + count, 0) <= MOST_EDITS;
}

/**
 * Whether a letter is doubled, two adjacent letters are swapped, or a longer word lacks a letter inside.
 * Other typing errors give names of other programs: `POST`, `HOSTS`, `LOG_DIRS`, `REDIS_URI`.
 */
function isPlainSlip(letters: string, setting: string): boolean {
  const wanted = LETTERS.get(setting) ?? '';
  if (wanted.length < 4 || NEVER.has(setting) || !canBeNear(letters, wanted, 1)) return false;
  const first = [...wanted].findIndex((letter, index) => letters[index] !== letter);
  const at = first < 0 ? wanted.length : first;
  const [before, rest] = [wanted.slice(0, at), wanted.slice(at)];
  const [one = '', other = ''] = rest;
  const isDoubled = letters === before + before.slice(-1) + rest;
  const isSwapped = other !== '' && letters === before + other + one + rest.slice(2);
  const lacksInner = wanted.length >= 6 && other !== '' && letters === before + rest.slice(1);
  return isDoubled || isSwapped || lacksInner;
}

/** Finds the setting for a name that begins with the name of nexthop. */
function findAfterPrefix(name: string, candidates: readonly string[]): string | undefined {
  const [, own, rest] = /^(NEXT_?HOP)[_.-](.+)$/i.exec(name) ?? [];
  if (own === undefined || rest === undefined) return undefined;
  const isHop = OF_HOP.test(rest) || (own.includes('_') && /^(?:host|port)$/i.test(rest));
  if (isHop) return candidates.find((each) => each === 'NEXT_HOP');
  const nearest = nearestWord(rest, candidates);
  return nearest?.includes('_') || toLetters(rest) === toLetters(nearest ?? '') ? nearest : undefined;
}

const OF_HOP = /^(?:url|uri|origin|address|addr)$/i;

const OF_SERVICE = /_SERVICE_(?:HOST|PORT)(?:_|$)|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_|$)/;

/** Whether Kubernetes, or links of Docker, have set the variable for a service. */
function isOfService(name: string, value: string): boolean {
  return OF_SERVICE.test(name) || /^(?:tcp|udp|sctp):\/\//.test(value);
}
