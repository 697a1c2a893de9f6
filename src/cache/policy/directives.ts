import { type MemberValue, parseDictionary } from './dictionary.ts';

/** What a field says about storing a response. Times are in seconds; undefined: it says nothing. */
export interface Directives {
  /** Also if their value is invalid: a response that must not be stored must not depend on a typing error. */
  readonly noStore: boolean;
  readonly private: boolean;
  /** Without a list of fields. */
  readonly noCache: boolean;
  readonly public: boolean;
  /** `must-revalidate` or `proxy-revalidate`. */
  readonly mustRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly durable: boolean;
  readonly maxAge: number | undefined;
  readonly sMaxAge: number | undefined;
  readonly staleWhileRevalidate: number | undefined;
  readonly staleIfError: number | undefined;
}

/** The directives of a targeted field (RFC 9213). Undefined if it is not a valid Dictionary: then it counts as absent. An empty one counts as absent, too. */
export function readTargeted(field: string): Directives | undefined {
  const members = parseDictionary(field);
  return members && members.size > 0 ? toDirectives(members) : undefined;
}

/** The directives of `Cache-Control` (RFC 9111 5.2), whose syntax is not that of a Dictionary. What is malformed is ignored. */
export function readCacheControl(field: string): Directives {
  const members = new Map<string, MemberValue>();
  for (const piece of splitList(field)) {
    const [name = '', rest = ''] = NAME_AND_REST.exec(piece)?.slice(1) ?? [];
    const lowerName = name.toLowerCase();
    const value = toValue(rest);
    const before = members.get(lowerName);
    // Of two lifetimes the shorter one holds (RFC 9111 4.2.1), and a directive without a list says more than one with it.
    if (before === undefined || value === true) members.set(lowerName, value);
    else if (before !== true && value !== 'other')
      members.set(lowerName, before === 'other' ? 0 : Math.min(before, value));
  }
  return toDirectives(members);
}

const NAME_AND_REST = /^\s*([^\s=]+)(.*)$/s;

/** The elements of a list, without a split at commas in quoted strings. If a quote has no end, quotes mean nothing: no directive may be hidden by one. */
function splitList(field: string): readonly string[] {
  if (!field.includes('"')) return field.split(',');
  const pieces: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < field.length; at++) {
    const character = field[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\\' && isQuoted) at++;
    else if (character === ',' && !isQuoted) {
      pieces.push(field.slice(start, at));
      start = at + 1;
    }
  }
  return isQuoted ? field.split(',') : [...pieces, field.slice(start)];
}

/** `text`: what follows a name. */
function toValue(text: string): MemberValue {
  if (text.trim() === '') return true;
  const seconds = /^="?(\d+)"?\s*$/.exec(text)?.[1];
  return seconds === undefined ? 'other' : Number(seconds);
}

function toDirectives(members: ReadonlyMap<string, MemberValue>): Directives {
  const isSet = (name: string): boolean => members.get(name) === true;
  return {
    noStore: members.has('no-store'),
    private: members.has('private'),
    noCache: isSet('no-cache'),
    public: isSet('public'),
    mustRevalidate: isSet('must-revalidate') || isSet('proxy-revalidate'),
    mustUnderstand: isSet('must-understand'),
    durable: isSet('durable'),
    maxAge: toSeconds(members.get('max-age')),
    sMaxAge: toSeconds(members.get('s-maxage')),
    staleWhileRevalidate: toSeconds(members.get('stale-while-revalidate')),
    staleIfError: toSeconds(members.get('stale-if-error')),
  };
}

/** Larger values are this one (RFC 9111 1.2.2), so that sums of times stay exact. */
const MOST_SECONDS = 2 ** 31;

function toSeconds(value: MemberValue | undefined): number | undefined {
  return typeof value === 'number' && value >= 0 ? Math.min(value, MOST_SECONDS) : undefined;
}
