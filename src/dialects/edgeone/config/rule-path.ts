import type { KeptValues } from '../../../contract/kept-values.ts';
import { toMatchable } from '../../../contract/path.ts';
import { toGuardedPaths } from '../../../http/guarded-paths.ts';

/** Values captured from a path, decoded, by name. The star's name is `splat`. */
export type Captures = ReadonlyMap<string, string>;

/**
 * The path of a target in the form that redirects and rewrites match. Undefined if two parsers may
 * read it differently: a URL built from such a path could have another host.
 */
export function toRulePath(target: string): string | undefined {
  const path = target.startsWith('//') ? undefined : toMatchable(target);
  return path?.hasInnerSlash ? undefined : path?.text;
}

/**
 * All forms of a target's path that header rules match. These rules may protect the site
 * (`X-Frame-Options`), so no spelling of a path may bypass them.
 */
export function toHeaderPaths(target: string, kept?: KeptValues): readonly string[] {
  return toGuardedPaths(target, kept).map((path) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path));
}

/**
 * The source of a rule. `:name` matches one segment or a part of one, `*` matches any text. `/*` at
 * the end also matches the folder itself. One trailing slash is ignored, and case matters, as for
 * routes.
 */
export class RulePath {
  readonly #literal: string | undefined;
  readonly #expression: RegExp;
  readonly #names: readonly string[];

  /** `source` has passed `checkSource`. */
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

  /** Takes a path from `toRulePath` or `toHeaderPaths`. Undefined if it does not match. */
  match(path: string): Captures | undefined {
    if (this.#literal !== undefined) return path === this.#literal ? NO_CAPTURES : undefined;
    const found = this.#expression.exec(path);
    return found ? new Map(this.#names.map((name, index) => [name, found[index + 1] ?? ''])) : undefined;
  }
}

const PART = /\*|:([A-Za-z_]\w*)|[^*:]+|:/g;

const NO_CAPTURES: Captures = new Map();
