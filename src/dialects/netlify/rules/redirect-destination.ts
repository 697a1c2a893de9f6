import type { Params } from '../../../contract/target.ts';
import { type QueryMatch, withoutParameters } from './redirect-query.ts';

/** The `to` of a rule. It may contain placeholders (`:name`) from the rule's `from` and `query`. */
export class RedirectDestination {
  /** Scheme and host; '' for a path of this site. */
  readonly origin: string;
  readonly #path: Template;
  /** Undefined if `to` has no question mark. */
  readonly #query: Template | undefined;
  readonly #fragment: string;

  /**
   * `to` begins with a slash, or with http:// or https:// and a host. `names`: the placeholders
   * that it may contain.
   */
  constructor(to: string, names: ReadonlySet<string>) {
    const [, origin = '', path = '', query, fragment = ''] = PARTS.exec(to) ?? [];
    this.origin = origin;
    this.#path = new Template(path || '/', names);
    this.#query = query === undefined ? undefined : new Template(query.slice(1), names);
    this.#fragment = toAscii(fragment);
  }

  /**
   * The value of `Location`: with the rule's own query if it has one, else with the query of the
   * request. A path never becomes a host.
   */
  toLocation(params: Params, found: QueryMatch): string {
    return this.origin + this.toTarget(params, found) + this.#fragment;
  }

  /** Path and query, without the host. */
  toTarget(params: Params, { captures, rest }: QueryMatch): string {
    const path = this.#path.fill((name) => rawValue(params, name) ?? encodeValue(captures.get(name)));
    const query = this.#query ? this.#fillQuery(this.#query, params, captures) : rest;
    return path.replace(/^\/{2,}/, '/') + (query === '' ? '' : `?${query}`);
  }

  /**
   * The query that a function receives, without the question mark: the rule's own parameters, then
   * the client's parameters with other names.
   */
  mergeQuery(query: string, params: Params, { captures }: QueryMatch): string {
    if (!this.#query) return query;
    const own = this.#fillQuery(this.#query, params, captures);
    const others = withoutParameters(query, new Set(new URLSearchParams(own).keys()));
    return others === '' || own === '' ? own + others : `${own}&${others}`;
  }

  #fillQuery(query: Template, params: Params, captures: QueryMatch['captures']): string {
    return query.fill((name) => {
      const raw = rawValue(params, name);
      return raw === undefined ? encodeValue(captures.get(name)) : raw.replaceAll(/[&+=]/g, encodeURIComponent);
    });
  }
}

const PARTS = /^(https?:\/\/[^/?#]+)?([^?#]*)(\?[^#]*)?(#.*)?$/is;

/** Encodes a part of a path so that it is in the new path as it was received. */
function rawValue(params: Params, name: string): string | undefined {
  const value = params[name];
  return value === undefined ? undefined : String(value);
}

function encodeValue(value = ''): string {
  return encodeURIComponent(value.toWellFormed());
}

/** Authors may write paths with any characters; a header value may hold only ASCII. */
function toAscii(text: string): string {
  return text.toWellFormed().replaceAll(/[^!-~]+/gu, encodeURIComponent);
}

/**
 * The placeholder at the start of a text: the longest name that fits, as `:x-y` may be one. As on the
 * platform it need not end there: `:idea` is the value of `:id`, and "ea". Undefined if there is none.
 */
export function findName(text: string, names: ReadonlySet<string>): string | undefined {
  if (!text.startsWith(':')) return undefined;
  const fitting = [...names].filter((name) => text.startsWith(name, 1));
  return fitting.sort((left, right) => right.length - left.length)[0];
}

/** A text with placeholders. A colon before any other name is literal text. */
class Template {
  /** Literal texts and names alternate; the first element is a text. */
  readonly #parts: readonly string[];

  constructor(text: string, names: ReadonlySet<string>) {
    const parts = [''];
    for (const piece of text.split(/(?=:)/)) {
      const name = findName(piece, names);
      const rest = name === undefined ? piece : piece.slice(name.length + 1);
      if (name !== undefined) parts.push(name, '');
      parts.push((parts.pop() ?? '') + toAscii(rest));
    }
    this.#parts = parts;
  }

  fill(read: (name: string) => string): string {
    return this.#parts.map((part, index) => (index % 2 === 0 ? part : read(part))).join('');
  }
}
