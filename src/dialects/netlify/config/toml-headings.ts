import { LISTS } from './toml-keys.ts';

/** The line of a table, without what follows its brackets. */
const HEADING = /^\s*(\[\[?)\s*([^[\]#]+?)\s*\]/;

interface Heading {
  readonly name: string;
  readonly isOfList: boolean;
  /** From 1. */
  readonly line: number;
}

/**
 * Why the parser refuses the table or the key at `line`, as far as it repeats a table: most often rules are written with
 * one bracket too few. Undefined for any other mistake.
 */
export function findRepeated(
  text: string,
  line: number,
): { readonly line: number; readonly message: string } | undefined {
  const headings = text.split('\n').flatMap(toHeading);
  const second = headings.find((each) => each.line === line);
  const equal = headings.filter(({ name, line: at }) => name === second?.name && at <= line);
  const first = equal[0];
  if (!second || !first || first === second) return undefined;
  const parts = second.name.split('.');
  // A new table of a list begins between the two: they are different tables.
  const isApart = headings.some(
    (each) =>
      each.isOfList &&
      each.line > (equal.at(-2)?.line ?? 0) &&
      second.name.startsWith(`${each.name}.`) &&
      each.line < line,
  );
  if (isApart) return undefined;
  const single = equal.find(({ isOfList }) => !isOfList);
  if (single && LISTS.includes(parts.at(-1) ?? '')) {
    const other = single === first ? second : first;
    const message = `[${second.name}] must be written as [[${second.name}]], as there are several (line ${other.line})`;
    return { line: single.line, message };
  }
  const list = parts.slice(0, -1).join('.');
  if (LISTS.includes(parts.at(-2) ?? '')) {
    const before = equal.at(-2) ?? first;
    const message = `[${second.name}] stands twice for one [[${list}]], first in line ${before.line}; begin each rule with [[${list}]]`;
    return { line, message };
  }
  return { line, message: `[${second.name}] stands twice, first in line ${first.line}; write its keys below one` };
}

function toHeading(text: string, index: number): readonly Heading[] {
  const [, brackets, name] = HEADING.exec(text) ?? [];
  return name === undefined ? [] : [{ name, isOfList: brackets === '[[', line: index + 1 }];
}
