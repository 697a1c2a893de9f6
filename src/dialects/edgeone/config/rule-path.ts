import { toMatchable } from '../../../contract/path.ts';
import { toGuardedPaths } from '../../../http/guarded-paths.ts';

/** What the names of a source stand for in a path: decoded, `splat` for its star. */
export type Captures = ReadonlyMap<string, string>;

/**
 * The path of a target as redirects and rewrites compare it; undefined for one that two parsers may read differently, which none of them matches: an address
 * that is made of it could lead elsewhere.
 */
export function toRulePath(target: string): string | undefined {
  const path = target.startsWith('//') ? undefined : toMatchable(target);
  return path?.hasInnerSlash ? undefined : path?.text;
}

/** The path of a target in all forms in which header rules compare it: they may guard the site (`X-Frame-Options`), so that no spelling passes them. */
export function toHeaderPaths(target: string): readonly string[] {
  return toGuardedPaths(target).map((path) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path));
}

/**
 * The source of a rule: `:name` is one segment or a part of one, `*` is anything. A star that is a whole segment at the end also stands for nothing:
 * the folder itself. As everywhere, one slash at the end means nothing and letters count as they are written.
 */
export class RulePath {
  readonly #literal: string | undefined;
  readonly #expression: RegExp;
  readonly #names: readonly string[];

  /** `source` is checked. */
  constructor(source: string) {
    const path = source.length > 1 && source.endsWith('/') ? source.slice(0, -1) : source;
    const isFolder = path.endsWith('/*');
    const names: string[] = [];
    const text = (isFolder ? path.slice(0, -2) : path).replaceAll(PART, (part, name: string | undefined) => {
      if (name === undefined && part !== '*') return part.replaceAll(/[^\w/]/g, '\\$&');
      names.push(name ?? 'splat');
      return part === '*' ? '(.*)' : '([^/]+)';
    });
    if (isFolder) names.push('splat');
    this.#literal = names.length === 0 ? path : undefined;
    this.#names = names;
    this.#expression = new RegExp(`^${text}${isFolder ? '(?:/(.*))?' : ''}$`, 's');
  }

  /** `path` comes from `toRulePath` or `toHeaderPaths`. Undefined if it does not match. */
  match(path: string): Captures | undefined {
    if (this.#literal !== undefined) return path === this.#literal ? NOTHING : undefined;
    const found = this.#expression.exec(path);
    return found ? new Map(this.#names.map((name, index) => [name, found[index + 1] ?? ''])) : undefined;
  }
}

const PART = /\*|:([A-Za-z_]\w*)|[^*:]+|:/g;

const NOTHING: Captures = new Map();
