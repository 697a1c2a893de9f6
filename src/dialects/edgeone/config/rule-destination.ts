import type { Captures } from './rule-path.ts';

/** The destination of a rule: a path or URL that may contain names of the source. */
export class RuleDestination {
  /** Even indexes hold literal text, odd indexes hold names. */
  readonly #parts: readonly string[];
  readonly #isPath: boolean;
  readonly #hasQuery: boolean;

  /** `destination` has passed `checkDestination`. */
  constructor(destination: string) {
    const [origin = ''] = /^https?:\/\/[^/?#]+/.exec(destination) ?? [];
    const parts = destination.slice(origin.length).split(/:([A-Za-z_]\w*)/);
    this.#parts = parts.map((part, index) =>
      index === 0 ? origin + toAscii(part) : index % 2 === 0 ? toAscii(part) : part,
    );
    this.#isPath = origin === '';
    this.#hasQuery = destination.includes('?');
  }

  /**
   * The destination with captured values in place of the names. The query of the request is
   * appended to the destination's own. A path keeps exactly one leading slash: two would make it
   * another host.
   */
  fill(captures: Captures, target: string): string {
    const filled = this.#parts
      .map((part, index) => (index % 2 === 0 ? part : encode(captures.get(part) ?? '')))
      .join('');
    const location = this.#isPath ? filled.replace(/^\/{2,}/, '/') : filled;
    const query = target.indexOf('?');
    if (query < 0) return location;
    const [start = '', fragment] = location.split('#', 2);
    const appended = `${this.#hasQuery ? '&' : '?'}${target.slice(query + 1)}`;
    return start + appended + (fragment === undefined ? '' : `#${fragment}`);
  }
}

/** Users may write any characters in a path. Headers and request lines contain ASCII only. */
function toAscii(text: string): string {
  return text.replaceAll(/[^!-~]+/g, encodeURIComponent);
}

/** The captured text is decoded, so it is encoded exactly once. Slashes in a splat stay slashes. */
function encode(text: string): string {
  return encodeURI(text).replaceAll('?', '%3F').replaceAll('#', '%23');
}
