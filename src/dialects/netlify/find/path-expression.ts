import type { GroupPart, PathPart } from './path-parts.ts';
import { isSlashless, opensSegment } from './path-shape.ts';
import { BadPath } from './path-token.ts';

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
