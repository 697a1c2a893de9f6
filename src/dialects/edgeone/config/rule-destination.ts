import type { Captures } from './rule-path.ts';

/** Where a rule leads to: a path or an URL with the names of its source. */
export class RuleDestination {
  /** Literal texts and names by turns, a text first. */
  readonly #parts: readonly string[];
  readonly #isPath: boolean;
  readonly #hasQuery: boolean;

  /** `destination` is checked. */
  constructor(destination: string) {
    const [origin = ''] = /^https?:\/\/[^/?#]+/.exec(destination) ?? [];
    const parts = destination.slice(origin.length).split(/:([A-Za-z_]\w*)/);
    this.#parts = parts.map((part, index) =>
      index === 0 ? origin + toAscii(part) : index % 2 === 0 ? toAscii(part) : part,
    );
    this.#isPath = origin === '';
    this.#hasQuery = destination.includes('?');
  }

  /** With the query of the request behind its own. Never leads to another host than is written: a path keeps one slash in front. */
  fill(captures: Captures, target: string): string {
    const filled = this.#parts
      .map((part, index) => (index % 2 === 0 ? part : encode(captures.get(part) ?? '')))
      .join('');
    const place = this.#isPath ? filled.replace(/^\/{2,}/, '/') : filled;
    const query = target.indexOf('?');
    if (query < 0) return place;
    const [before = '', fragment] = place.split('#', 2);
    const asked = `${this.#hasQuery ? '&' : '?'}${target.slice(query + 1)}`;
    return before + asked + (fragment === undefined ? '' : `#${fragment}`);
  }
}

/** Users write paths as they read them; a field and a request line carry ASCII alone. */
function toAscii(text: string): string {
  return text.replaceAll(/[^!-~]+/g, encodeURIComponent);
}

/** Decoded before, so encoded once. A slash of a splat stays one. */
function encode(text: string): string {
  return encodeURI(text).replaceAll('?', '%3F').replaceAll('#', '%23');
}
