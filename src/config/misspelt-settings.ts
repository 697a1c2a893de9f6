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
   * something else.
   */
  readonly given: ReadonlySet<string>;
  /**
   * Whether to ignore names of settings that other programs use too, as in a file for the code of
   * the site.
   */
  readonly isForSite?: boolean;
}

/**
 * Finds the variables that look like misspelt settings. Every process has dozens of variables of
 * other programs, so only these count: the letters of a setting of several words (`LOGDIR`,
 * `next_hop`); a typing error in the words of a setting, if no other program uses its name
 * (`NEXT_HOPS`); and a setting after the name of nexthop (`NEXTHOP_LOGDIR`, `NEXT_HOP_URL`).
 * Variables that Kubernetes and Docker set for a service named next-hop do not count.
 */
export function findMisspeltSettings(
  env: Readonly<Record<string, string | undefined>>,
  { given, isForSite = false }: MisspeltOptions,
): readonly MisspeltSetting[] {
  const candidates = NAMES.filter((name) => !given.has(name) && !(isForSite && isGeneric(name)));
  return Object.entries(env).flatMap(([name, value = '']) => {
    if (Object.hasOwn(SETTINGS, name) || isOfService(name, value)) return [];
    const letters = toLetters(name);
    const setting = findAfterPrefix(name, candidates) ?? candidates.find((each) => isNear(name, letters, each));
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

function isNear(name: string, letters: string, setting: string): boolean {
  const wanted = LETTERS.get(setting) ?? '';
  if (!canBeNear(letters, wanted, MOST_EDITS) || !setting.includes('_') || NEVER.has(setting)) return false;
  if (letters === wanted) return true;
  if (isGeneric(setting) || wanted.length < 7) return false;
  const words = name.toUpperCase().split('_');
  const wantedWords = setting.split('_');
  if (words.length !== wantedWords.length) return countEdits(letters, wanted) === 1;
  const edits = words.map((word, index) => countEdits(word, wantedWords[index] ?? ''));
  const isSlip = edits.every((count, index) => count <= mostEdits(wantedWords[index] ?? ''));
  return isSlip && edits.reduce((sum, count) => sum + count, 0) <= MOST_EDITS;
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
