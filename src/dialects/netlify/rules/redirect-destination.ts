import type { Params } from '../../../contract/target.ts';
import { type QueryMatch, withoutParameters } from './redirect-query.ts';

/** The `to` of a rule, with the names of its `from` and its `query` in it. */
export class RedirectDestination {
  /** Scheme and host; '' for a path of this site. */
  readonly origin: string;
  readonly #path: Template;
  /** Undefined without a question mark. */
  readonly #query: Template | undefined;
  readonly #fragment: string;

  /** `to` begins with a slash, or with http:// or https:// and a host. `names`: those that may stand in it. */
  constructor(to: string, names: ReadonlySet<string>) {
    const [, origin = '', path = '', query, fragment = ''] = PARTS.exec(to) ?? [];
    this.origin = origin;
    this.#path = new Template(path || '/', names);
    this.#query = query === undefined ? undefined : new Template(query.slice(1), names);
    this.#fragment = toAscii(fragment);
  }

  /** Where the client is led to: with the rule's own query if it has one, else with the request's. A path never becomes a host. */
  toLocation(params: Params, found: QueryMatch): string {
    return this.origin + this.toTarget(params, found) + this.#fragment;
  }

  /** Path and query, whatever the host. */
  toTarget(params: Params, { captures, rest }: QueryMatch): string {
    const path = this.#path.fill((name) => rawValue(params, name) ?? encodeValue(captures.get(name)));
    const query = this.#query ? this.#fillQuery(this.#query, params, captures) : rest;
    return path.replace(/^\/{2,}/, '/') + (query === '' ? '' : `?${query}`);
  }

  /** The query of a request (without its question mark) that a function is asked with: the rule's own parameters come before the client's, and instead of them. */
  mergeQuery(asked: string, params: Params, { captures }: QueryMatch): string {
    if (!this.#query) return asked;
    const own = this.#fillQuery(this.#query, params, captures);
    const others = withoutParameters(asked, new Set(new URLSearchParams(own).keys()));
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

/** Of a path, so that it stands in a path as it came. */
function rawValue(params: Params, name: string): string | undefined {
  const value = params[name];
  return value === undefined ? undefined : String(value);
}

function encodeValue(value = ''): string {
  return encodeURIComponent(value.toWellFormed());
}

/** Users write paths as they read them; a field carries ASCII alone. */
function toAscii(text: string): string {
  return text.toWellFormed().replaceAll(/[^!-~]+/gu, encodeURIComponent);
}

/** A text with names in it; a colon before anything else is one. */
class Template {
  /** Texts and names by turns, a text first. */
  readonly #parts: readonly string[];

  constructor(text: string, names: ReadonlySet<string>) {
    const parts = [''];
    for (const [index, piece] of text.split(/:([A-Za-z_]\w*)/).entries()) {
      if (index % 2 === 0) parts.push((parts.pop() ?? '') + toAscii(piece));
      else if (names.has(piece)) parts.push(piece, '');
      else parts.push(`${parts.pop() ?? ''}:${piece}`);
    }
    this.#parts = parts;
  }

  fill(read: (name: string) => string): string {
    return this.#parts.map((part, index) => (index % 2 === 0 ? part : read(part))).join('');
  }
}
