import type { PatternSegment } from '../../../contract/pattern.ts';
import { BadPath, type GroupPart, type PathPart } from './path-parts.ts';

/**
 * The source of a regular expression that matches whole paths, with one group for each group part,
 * in order (URL Pattern Standard, "generate a regular expression"). Throws BadPath.
 */
export function toExpression(parts: readonly PathPart[]): string {
  return `^${parts.map(toSource).join('')}$`;
}

function toSource(part: PathPart): string {
  if (part.kind === 'text')
    return part.modifier === '' ? escapeText(part.text) : `(?:${escapeText(part.text)})${part.modifier}`;
  const { modifier } = part;
  const prefix = escapeText(part.prefix);
  const suffix = escapeText(part.suffix);
  if (modifier === '' || modifier === '?') {
    const group = `(${sourceOf(part)})`;
    return prefix + suffix === '' ? group + modifier : `(?:${prefix}${group}${suffix})${modifier}`;
  }
  // Without texts around it, a group that matches zero times still has a value, which is empty.
  if (prefix + suffix === '' && modifier === '*' && part.takes === 'segment') return '([^/]*)';
  const isThere = modifier === '+' || prefix + suffix === '';
  return `(?:${prefix}(${repeated(part)})${suffix})${isThere ? '' : '?'}`;
}

function sourceOf({ takes }: GroupPart): string {
  if (takes === 'segment') return '[^/]+?';
  return takes === 'anything' ? '.*' : takes.expression;
}

/**
 * The source of a repeated group, with prefix and suffix between its values. Without a slash
 * between two values there are as many ways to split them as characters, and the engine would try
 * all of them. Such values are matched as one, with the same result.
 */
function repeated(part: GroupPart): string {
  const { takes, prefix, suffix, at } = part;
  const between = suffix + prefix;
  if (takes === 'anything') return '.*';
  const isApart = between.includes('/');
  if (takes === 'segment' && !isApart) return '[^/]+';
  if (takes !== 'segment' && !(isApart && isSlashless(part))) {
    throw new BadPath(
      at,
      'repeats an expression; only an expression without slashes and with a slash before it can be repeated',
    );
  }
  const value = sourceOf(part);
  return `(?:${value})(?:${escapeText(between)}(?:${value}))*`;
}

function escapeText(text: string): string {
  return text.replaceAll(/[.+*?^${}()[\]|/\\]/g, '\\$&');
}

/**
 * The longest text that is tried, by the number of groups that compete for the same characters;
 * larger numbers use the last value. One group takes time in proportion to the path.
 */
const LONGEST = [Infinity, Infinity, 4096, 256, 128, 64] as const;

/**
 * The longest path that is tried, in characters; of a segment if `isOfSegment`. The time of groups
 * that compete for the same characters (`:a-:b`, `*` twice) grows with a power of this length, and
 * clients choose the path. Expressions that the author wrote are not limited.
 */
export function toLongest(parts: readonly PathPart[]): { readonly longest: number; readonly isOfSegment: boolean } {
  const groups = parts.filter((part) => part.kind === 'group');
  const acrossSegments = groups.filter(
    (group) => group.modifier === '*' || group.modifier === '+' || !isSlashless(group),
  );
  const counts = countGroupsBySegment(parts).filter((count) => count > 1);
  const competing =
    acrossSegments.length === 0
      ? Math.max(0, ...counts)
      : acrossSegments.length + counts.reduce((sum, count) => sum + count, 0);
  return { longest: LONGEST[Math.min(competing, LONGEST.length - 1)] ?? 0, isOfSegment: acrossSegments.length === 0 };
}

/**
 * The number of groups in each segment. If a slash may be absent, all groups count as in one
 * segment.
 */
function countGroupsBySegment(parts: readonly PathPart[]): readonly number[] {
  const isLoose = parts.some(({ modifier }, index) => /[?*]/.test(modifier) && !opensSegment(parts, index + 1));
  const counts = [0];
  for (const part of parts) {
    const before = part.kind === 'text' ? part.text : part.prefix;
    if (!isLoose && before.includes('/') && (part.kind === 'group' || part.modifier === '')) counts.push(0);
    if (part.kind !== 'group') continue;
    counts.push((counts.pop() ?? 0) + 1);
    if (!isLoose && part.modifier === '' && part.suffix.includes('/')) counts.push(0);
  }
  return counts;
}

/**
 * The segments by which the router finds a pattern: as narrow as possible, and never narrower than
 * the pattern. A part that may match a slash, or may be absent, becomes a catch-all that also
 * matches nothing. `decode` converts a text of the parts to the text of a decoded path.
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

/** The complete segments so far, and the current incomplete one. */
class Segments {
  readonly #decode: (text: string) => string;
  readonly #complete: PatternSegment[] = [];
  /** The text of the current segment; undefined before the first slash. */
  #text: string | undefined;
  #isParam = false;

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
    this.#isParam = true;
  }

  end(): readonly PatternSegment[] {
    this.#endSegment();
    return this.#findable([]);
  }

  /** Ends with a catch-all. `isApart`: the rest begins with a slash, or is empty. */
  endOpen(isApart: boolean): readonly PatternSegment[] {
    if (isApart) this.#endSegment();
    return this.#findable([REST]);
  }

  #endSegment(): void {
    if (this.#text !== undefined) {
      this.#complete.push(
        this.#isParam ? { kind: 'param', name: '' } : { kind: 'literal', text: this.#decode(this.#text) },
      );
    }
    this.#text = undefined;
    this.#isParam = false;
  }

  /** The router matches an empty segment only by a catch-all. */
  #findable(more: readonly PatternSegment[]): readonly PatternSegment[] {
    const empty = this.#complete.findIndex((segment) => segment.kind === 'literal' && segment.text === '');
    return empty < 0 ? [...this.#complete, ...more] : [...this.#complete.slice(0, empty), REST];
  }
}

/** Whether the part is never absent and matches no slash, so that it is (part of) one segment. */
function staysInSegment(part: PathPart): boolean {
  return part.modifier === '' && (part.kind === 'text' || (isSlashless(part) && !mayBeEmpty(part)));
}

/** Syntax of expressions that certainly match no slash. */
const SLASHLESS = /^(?:\\[dw]|\[(?:\\[dw]|\w-\w|\w)+-?\]|\(\?:|[\w)|+*?,{}-])*$/;

/** Whether the group matches no slash. For an expression: whether that is certain. */
export function isSlashless({ takes }: GroupPart): boolean {
  return takes === 'segment' || (takes !== 'anything' && SLASHLESS.test(takes.expression));
}

function mayBeEmpty({ takes }: GroupPart): boolean {
  if (typeof takes === 'string') return takes === 'anything';
  return new RegExp(`^(?:${takes.expression})$`, 'u').test('');
}

/**
 * Whether the parts from `index` on match only a text that begins with a slash, or the empty text.
 */
export function opensSegment(parts: readonly PathPart[], index: number): boolean {
  const part = parts[index];
  if (!part) return true;
  const begins = (part.kind === 'text' ? part.text : part.prefix).startsWith('/');
  const mayBeMissing = part.modifier === '?' || part.modifier === '*';
  return begins && (!mayBeMissing || opensSegment(parts, index + 1));
}
