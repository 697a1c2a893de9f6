import type { PatternSegment } from '../../../contract/pattern.ts';
import { BadPath, type GroupPart, type PathPart } from './path-parts.ts';

/** The source of the expression that a whole path has to match, its groups in the order of the parts (URL Pattern Standard, "generate a regular expression"). Throws BadPath. */
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
  // Without texts around it what comes no time at all is still there, and empty.
  if (prefix + suffix === '' && modifier === '*' && part.takes === 'segment') return '([^/]*)';
  const isThere = modifier === '+' || prefix + suffix === '';
  return `(?:${prefix}(${repeated(part)})${suffix})${isThere ? '' : '?'}`;
}

function sourceOf({ takes }: GroupPart): string {
  if (takes === 'segment') return '[^/]+?';
  return takes === 'anything' ? '.*' : takes.expression;
}

/**
 * What comes again and again with prefix and suffix between. Where there is no slash between two of them, they could be told apart in as many ways as there are
 * characters, all of which would be tried: then they are taken as one, which is the same.
 */
function repeated(part: GroupPart): string {
  const { takes, prefix, suffix, at } = part;
  const between = suffix + prefix;
  if (takes === 'anything') return '.*';
  const isApart = between.includes('/');
  if (takes === 'segment' && !isApart) return '[^/]+';
  if (takes !== 'segment' && !(isApart && isSlashless(part))) {
    throw new BadPath(at, 'repeats an expression; that works only for one without slashes that has a slash in front');
  }
  const value = sourceOf(part);
  return `(?:${value})(?:${escapeText(between)}(?:${value}))*`;
}

function escapeText(text: string): string {
  return text.replaceAll(/[.+*?^${}()[\]|/\\]/g, '\\$&');
}

/** By how many groups compete for the same characters; beyond it every number is the last. One group alone takes time in proportion to the path. */
const LONGEST = [Infinity, Infinity, 4096, 256, 128, 64] as const;

/**
 * How many characters a path may have that is tried, or one of its segments if `isOfSegment`. Groups that compete for the same characters (`:a-:b`, `*` twice)
 * take time by a power of that, and it is anybody who chooses the path. An expression of the author's is taken as it is.
 */
export function toLongest(parts: readonly PathPart[]): { readonly longest: number; readonly isOfSegment: boolean } {
  const groups = parts.filter((part) => part.kind === 'group');
  const crossing = groups.filter((group) => group.modifier === '*' || group.modifier === '+' || !isSlashless(group));
  const crowds = crowdsOf(parts).filter((count) => count > 1);
  const rivals =
    crossing.length === 0 ? Math.max(0, ...crowds) : crossing.length + crowds.reduce((sum, count) => sum + count, 0);
  return { longest: LONGEST[Math.min(rivals, LONGEST.length - 1)] ?? 0, isOfSegment: crossing.length === 0 };
}

/** How many groups stand in each segment. Where a slash may be missing, they count as if all stood in one. */
function crowdsOf(parts: readonly PathPart[]): readonly number[] {
  const isLoose = parts.some(({ modifier }, index) => /[?*]/.test(modifier) && !opensSegment(parts, index + 1));
  const crowds = [0];
  for (const part of parts) {
    const before = part.kind === 'text' ? part.text : part.prefix;
    if (!isLoose && before.includes('/') && (part.kind === 'group' || part.modifier === '')) crowds.push(0);
    if (part.kind !== 'group') continue;
    crowds.push((crowds.pop() ?? 0) + 1);
    if (!isLoose && part.modifier === '' && part.suffix.includes('/')) crowds.push(0);
  }
  return crowds;
}

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
