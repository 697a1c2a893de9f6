import type { PatternSegment } from '../../../contract/pattern.ts';
import type { GroupPart, PathPart } from './path-parts.ts';

/** Tells of a pattern's parts how far they reach, which decides under which segments it is found and what trying it costs. */

/**
 * The segments under which a pattern is found: as tight as they can be, and never tighter than the pattern. Whatever may reach over a slash, or be
 * missing, is a catch-all that also takes nothing. `decode`: from a text of the parts to what a decoded path holds.
 */
export function toSegments(parts: readonly PathPart[], decode: (text: string) => string): readonly PatternSegment[] {
  const segments = new Segments(decode);
  for (const [index, part] of parts.entries()) {
    if (!staysInSegment(part)) return segments.endOpen(opensSegment(parts, index));
    if (part.kind === 'text') segments.addText(part.text);
    else {
      segments.addText(part.prefix);
      segments.addParam();
      segments.addText(part.suffix);
    }
  }
  return segments.end();
}

const REST: PatternSegment = { kind: 'catch-all', name: '', orNone: true };

/** The segments so far, and the one that is not complete. */
class Segments {
  readonly #decode: (text: string) => string;
  readonly #complete: PatternSegment[] = [];
  /** Undefined before the first slash. */
  #text: string | undefined;
  #isTaken = false;

  constructor(decode: (text: string) => string) {
    this.#decode = decode;
  }

  addText(text: string): void {
    for (const [index, piece] of text.split('/').entries()) {
      if (index > 0) {
        this.#endSegment();
        this.#text = '';
      }
      if (piece !== '') this.#text = (this.#text ?? '') + piece;
    }
  }

  addParam(): void {
    this.#text ??= '';
    this.#isTaken = true;
  }

  end(): readonly PatternSegment[] {
    this.#endSegment();
    return this.#findable([]);
  }

  /** What comes next may be anything; `isApart`: it begins with a slash, or is nothing. */
  endOpen(isApart: boolean): readonly PatternSegment[] {
    if (isApart) this.#endSegment();
    return this.#findable([REST]);
  }

  #endSegment(): void {
    if (this.#text !== undefined) {
      this.#complete.push(
        this.#isTaken ? { kind: 'param', name: '' } : { kind: 'literal', text: this.#decode(this.#text) },
      );
    }
    this.#text = undefined;
    this.#isTaken = false;
  }

  /** Nothing is found under an empty segment but by a catch-all. */
  #findable(more: readonly PatternSegment[]): readonly PatternSegment[] {
    const empty = this.#complete.findIndex((segment) => segment.kind === 'literal' && segment.text === '');
    return empty < 0 ? [...this.#complete, ...more] : [...this.#complete.slice(0, empty), REST];
  }
}

/** It is always there and takes no slash, so that it is a segment or a part of one. */
function staysInSegment(part: PathPart): boolean {
  return part.modifier === '' && (part.kind === 'text' || (isSlashless(part) && !mayBeEmpty(part)));
}

/** What an expression consists of that certainly takes no slash. */
const SLASHLESS = /^(?:\\[dw]|\[(?:\\[dw]|\w-\w|\w)+-?\]|\(\?:|[\w)|+*?,{}-])*$/;

/** Whatever it takes holds no slash. For an expression: certainly none. */
export function isSlashless({ takes }: GroupPart): boolean {
  return takes === 'segment' || (takes !== 'anything' && SLASHLESS.test(takes.expression));
}

function mayBeEmpty({ takes }: GroupPart): boolean {
  if (typeof takes === 'string') return takes === 'anything';
  return new RegExp(`^(?:${takes.expression})$`, 'u').test('');
}

/** Whether the parts from `index` on can match only what begins with a slash, or nothing. */
export function opensSegment(parts: readonly PathPart[], index: number): boolean {
  const part = parts[index];
  if (!part) return true;
  const begins = (part.kind === 'text' ? part.text : part.prefix).startsWith('/');
  const mayBeMissing = part.modifier === '?' || part.modifier === '*';
  return begins && (!mayBeMissing || opensSegment(parts, index + 1));
}
