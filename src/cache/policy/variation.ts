import { findHeader } from '../../contract/header-list.ts';

/** What of a request decides which of several responses of one path it gets, besides scheme, host and path. */
export interface Variation {
  /** The whole query, or the parameters with these names (decoded, sorted). */
  readonly query: 'all' | readonly string[];
  /** In lower case, sorted. */
  readonly headers: readonly string[];
  /** Sorted. */
  readonly cookies: readonly string[];
  /** Groups of language tags in lower case. Empty: the language does not matter. */
  readonly languages: readonly (readonly string[])[];
  /** Groups of country codes in lower case. */
  readonly countries: readonly (readonly string[])[];
}

const MOST_HEADERS = 10;

/** Header fields that `Netlify-Vary: header=` must not name, by the platform's documentation. */
const REFUSED_HEADERS: ReadonlySet<string> = new Set([
  ...['accept', 'accept-charset', 'accept-datetime', 'accept-encoding', 'accept-language', 'cache-control'],
  ...['connection', 'content-length', 'cookie', 'host', 'if-match', 'if-modified-since', 'if-none-match'],
  ...['if-unmodified-since', 'range', 'referer', 'upgrade', 'user-agent'],
]);

/** Reads `Vary` and `Netlify-Vary` of a response. Returns the field for which the response cannot be stored, if there is one. */
export function readVariation(headers: readonly string[]): Variation | 'vary' | 'netlify-vary' {
  const vary = findHeader(headers, 'vary');
  const netlifyVary = findHeader(headers, 'netlify-vary');
  if (vary === undefined && netlifyVary === undefined) return WHOLE_QUERY;
  const names = toNames(vary);
  if (names.has('*') || names.size > MOST_HEADERS) return 'vary';
  const instructions = new Instructions();
  if (netlifyVary !== undefined && !instructions.read(netlifyVary)) return 'netlify-vary';
  return instructions.toVariation(names);
}

const WHOLE_QUERY: Variation = { query: 'all', headers: [], cookies: [], languages: [], countries: [] };

function toNames(field: string | undefined): ReadonlySet<string> {
  const names = (field ?? '').split(',').map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => name !== ''));
}

/** The instructions of `Netlify-Vary`. Repeated ones are added. */
class Instructions {
  readonly #queryNames = new Set<string>();
  readonly #headers = new Set<string>();
  readonly #cookies = new Set<string>();
  readonly #languages: string[][] = [];
  readonly #countries: string[][] = [];
  #isWholeQuery = false;

  /** False if there is an instruction that is unknown or malformed: then it is not known which responses differ. */
  read(field: string): boolean {
    const texts = field.split(',').map((text) => text.trim());
    return texts.filter((text) => text !== '').every((text) => this.#add(text));
  }

  toVariation(varyNames: ReadonlySet<string>): Variation {
    const isWholeQuery = this.#isWholeQuery || this.#queryNames.size === 0;
    return {
      query: isWholeQuery ? 'all' : [...this.#queryNames].sort(),
      headers: [...new Set([...varyNames, ...this.#headers])].sort(),
      cookies: [...this.#cookies].sort(),
      languages: this.#languages,
      countries: this.#countries,
    };
  }

  #add(text: string): boolean {
    const equals = text.indexOf('=');
    const name = (equals < 0 ? text : text.slice(0, equals)).trim().toLowerCase();
    if (equals < 0) {
      if (name === 'query') this.#isWholeQuery = true;
      return name === 'query';
    }
    const values = text.slice(equals + 1).split('|');
    const trimmed = values.map((value) => value.trim());
    if (trimmed.includes('')) return false;
    if (name === 'query') addAll(this.#queryNames, trimmed);
    else if (name === 'cookie') addAll(this.#cookies, trimmed);
    else if (name === 'header') return this.#addHeaders(trimmed);
    else if (name === 'language') this.#languages.push(...trimmed.map(toGroup));
    else if (name === 'country') this.#countries.push(...trimmed.map(toGroup));
    else return false;
    return true;
  }

  #addHeaders(names: readonly string[]): boolean {
    const lowerNames = names.map((name) => name.toLowerCase());
    addAll(this.#headers, lowerNames);
    return !lowerNames.some((name) => REFUSED_HEADERS.has(name)) && this.#headers.size <= MOST_HEADERS;
  }
}

function addAll(set: Set<string>, values: readonly string[]): void {
  for (const value of values) set.add(value);
}

function toGroup(value: string): string[] {
  return value.split('+').map((code) => code.trim().toLowerCase());
}
