import type { MatchablePath } from '../../../contract/path.ts';
import { createParams, type Params } from '../../../contract/target.ts';

/** One segment of the `from` of a rule. A `prefix` is last: the text, and then any rest of the path. */
export type SourceSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'prefix'; readonly text: string }
  | { readonly kind: 'param'; readonly name: string }
  | { readonly kind: 'star' };

/** Matches a path against the segments of a rule. A star takes as many segments as it can. */
export class SourceMatcher {
  readonly #segments: readonly SourceSegment[];

  constructor(segments: readonly SourceSegment[]) {
    this.#segments = segments;
  }

  /** Of two placeholders of one name the first has the value, and `splat` is the first star. Params are raw. */
  readonly match = (path: MatchablePath): Params | undefined => {
    // A `Location` with an encoded slash could mean another path to a client that decodes it before
    // splitting.
    if (path.hasInnerSlash) return undefined;
    const last = this.#segments.at(-1);
    if (last?.kind === 'literal' && last.text !== path.segments.at(-1)) return undefined;
    const params = createParams<string>();
    return this.#matchFrom(path, 0, 0, params) ? params : undefined;
  };

  /** Sets the params from the last to the first, so that the first of one name is set last. */
  #matchFrom(path: MatchablePath, index: number, at: number, params: Record<string, string>): boolean {
    const segment = this.#segments[index];
    const { segments, rawSegments } = path;
    if (!segment) return at === segments.length;
    if (segment.kind === 'star') return this.#matchStar(path, index, at, params);
    const text = segments[at];
    if (text === undefined) return false;
    if (segment.kind === 'prefix') {
      if (!text.startsWith(segment.text)) return false;
      const first = cut(rawSegments[at] ?? '', text, segment.text);
      const others = rawSegments.slice(at + 1);
      // The slash after a whole prefix is not part of the rest.
      const rest = (first === '' ? others : [first, ...others]).join('/');
      params[SPLAT] = withSlash(rest, path);
      return true;
    }
    if (segment.kind === 'param' ? text === '' : text !== segment.text) return false;
    if (!this.#matchFrom(path, index + 1, at + 1, params)) return false;
    if (segment.kind === 'param') params[segment.name] = rawSegments[at] ?? '';
    return true;
  }

  #matchStar(path: MatchablePath, index: number, at: number, params: Record<string, string>): boolean {
    const { rawSegments } = path;
    for (let end = rawSegments.length; end >= at; end--) {
      if (!this.#matchFrom(path, index + 1, end, params)) continue;
      const taken = rawSegments.slice(at, end).join('/');
      params[SPLAT] = end === rawSegments.length ? withSlash(taken, path) : taken;
      return true;
    }
    return false;
  }
}

const SPLAT = 'splat';

/** The slash at the end of a path belongs to the rest that a star takes. */
function withSlash(rest: string, { slashed }: MatchablePath): string {
  return slashed && rest !== '' ? `${rest}/` : rest;
}

/** The part of a raw segment after a prefix. `text`: the segment, decoded. */
function cut(raw: string, text: string, prefix: string): string {
  return raw.startsWith(prefix) ? raw.slice(prefix.length) : encodeURIComponent(text.slice(prefix.length));
}
