/**
 * Checks a schedule. Returns what is wrong, as the rest of a sentence; undefined if it is valid.
 * The platform accepts the five fields of crontab(5) and five aliases; its libraries accept more,
 * but each something different.
 */
export function checkSchedule(text: string): string | undefined {
  if (ALIASES.includes(text)) return undefined;
  if (text.startsWith('@')) return `must be one of ${ALIASES.join(' ')}, or five fields, got ${JSON.stringify(text)}`;
  const fields = text.trim().split(/\s+/);
  if (fields.length !== FIELDS.length) {
    return `must have five fields (minute hour day month weekday), got ${JSON.stringify(text)}`;
  }
  const wrong = FIELDS.find((field, index) => !fits(fields[index] ?? '', field));
  if (!wrong) return undefined;
  const { name, first, last, count } = wrong;
  return `has no ${name} in ${JSON.stringify(text)}: it is ${first} to ${last}, *, a-b, */n with an n up to ${count}`;
}

const ALIASES: readonly string[] = ['@hourly', '@daily', '@weekly', '@monthly', '@yearly'];

interface Field {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** The number of different values: for weekdays 7, because Sunday is both 0 and 7. */
  readonly count: number;
  /** Names for the numbers, starting at `first`. */
  readonly words: readonly string[];
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const WEEKDAYS = 'sun mon tue wed thu fri sat'.split(' ');

const FIELDS: readonly Field[] = [
  { name: 'minute', first: 0, last: 59, count: 60, words: [] },
  { name: 'hour', first: 0, last: 23, count: 24, words: [] },
  { name: 'day', first: 1, last: 31, count: 31, words: [] },
  { name: 'month', first: 1, last: 12, count: 12, words: MONTHS },
  { name: 'weekday', first: 0, last: 7, count: 7, words: WEEKDAYS },
];

function fits(text: string, field: Field): boolean {
  return text.split(',').every((part) => isPart(part, field));
}

const PART = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/;

function isPart(text: string, field: Field): boolean {
  const [found, from, to, step] = PART.exec(text) ?? [];
  if (found === undefined) return false;
  const [first, last] = [from, to].map((each) => (each === undefined ? undefined : toNumber(each, field)));
  // Libraries disagree about the meaning of a step after a single number.
  if (step !== undefined && from !== undefined && to === undefined) return false;
  // The scheduler accepts no step longer than the range of the field.
  if (step !== undefined && !(Number(step) >= 1 && Number(step) <= field.count)) return false;
  if ([first, last].some((each) => each !== undefined && !(each >= field.first && each <= field.last))) return false;
  return first === undefined || last === undefined || first <= last;
}

/** NaN if the text is neither a number nor a name of the field. */
function toNumber(text: string, { first, words }: Field): number {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const index = words.indexOf(text.toLowerCase());
  return index < 0 ? Number.NaN : first + index;
}
