import { WebRequest } from '../../../http/web-request.ts';

/** A value of the query: a flag without "=" is true, and the texts true, false and null are what they say. */
type QueryValue = string | boolean | null;

/** The standard Request, and what the platform adds to it. Both additions are parsed when they are first asked for. */
export class EdgeOneRequest extends WebRequest {
  #cookies: Record<string, string> | undefined;
  #query: Record<string, QueryValue | QueryValue[]> | undefined;

  /** By name, decoded; of two cookies of one name the first, which is the more specific (RFC 6265 5.4). */
  get cookies(): Record<string, string> {
    this.#cookies ??= toCookies(this.headers.get('cookie') ?? '');
    return this.#cookies;
  }

  /** By name; a repeated name has a list. */
  get query(): Record<string, QueryValue | QueryValue[]> {
    this.#query ??= toQuery(this.url);
    return this.#query;
  }
}

function toCookies(field: string): Record<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of field.split(';')) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).trim();
    if (equals < 0 || pairs.has(name)) continue;
    const value = pair.slice(equals + 1).trim();
    pairs.set(name, decode(/^".*"$/.test(value) ? value.slice(1, -1) : value));
  }
  // Not by assignment: a cookie called __proto__ is a cookie.
  return Object.fromEntries(pairs);
}

function toQuery(url: string): Record<string, QueryValue | QueryValue[]> {
  const values = new Map<string, QueryValue | QueryValue[]>();
  const start = url.indexOf('?');
  for (const pair of start < 0 ? [] : url.slice(start + 1).split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode((equals < 0 ? pair : pair.slice(0, equals)).replaceAll('+', ' '));
    const value = equals < 0 || toValue(decode(pair.slice(equals + 1).replaceAll('+', ' ')));
    const before = values.get(name);
    values.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(values);
}

const WORDS: ReadonlyMap<string, QueryValue> = new Map<string, QueryValue>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

function toValue(text: string): QueryValue {
  const word = WORDS.get(text);
  return word === undefined ? text : word;
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // A "%" that encodes nothing is left as the client wrote it.
    return text;
  }
}
