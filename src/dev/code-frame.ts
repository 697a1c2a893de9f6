import { readFileSync } from 'node:fs';

/** A place in a file. */
export interface CodePlace {
  /** Absolute path. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column?: number;
}

/** The lines around a place. */
export interface CodeFrame {
  readonly lines: readonly { readonly number: number; readonly text: string; readonly isMarked: boolean }[];
  /** Column of the place in the text of its line, from 1, after tabs are replaced. */
  readonly column: number | undefined;
}

/** Lines above and below the place. */
const AROUND = 3;
/** A longer line is cut, e.g. of minified code. */
const LONGEST_LINE = 160;
const TAB = '  ';

/** Undefined if the file cannot be read, or has no such line. */
export function readCodeFrame({ path, line, column }: CodePlace): CodeFrame | undefined {
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch {
    // The file is gone, or the place is no file: there is nothing to show.
    return undefined;
  }
  const all = source.split(/\r?\n/);
  const marked = all[line - 1];
  if (marked === undefined) return undefined;
  const first = Math.max(1, line - AROUND);
  const shown = all.slice(first - 1, line + AROUND);
  // The text after the last line feed is no line.
  while (shown.at(-1) === '' && first + shown.length - 1 > line) shown.pop();
  const isShifted = column !== undefined && widthOf(marked) > LONGEST_LINE;
  const shift = isShifted ? Math.max(0, widthOf(marked.slice(0, column - 1)) - LONGEST_LINE / 2) : 0;
  return {
    lines: shown.map((text, index) => ({
      number: first + index,
      text: cut(text, first + index === line ? shift : 0),
      isMarked: first + index === line,
    })),
    column: column === undefined ? undefined : widthOf(marked.slice(0, column - 1)) - shift + 1,
  };
}

/** A row of a frame as text. */
export interface FrameRow {
  readonly text: string;
  /** The row of the place, or the one that points to its column. */
  readonly isMarked: boolean;
}

/** The frame as text: line numbers, `>` at the line, `^` below the column. */
export function toFrameRows({ lines, column }: CodeFrame): readonly FrameRow[] {
  const width = String(lines.at(-1)?.number ?? '').length;
  return lines.flatMap(({ number, text, isMarked }) => {
    const row = { text: `${isMarked ? '>' : ' '} ${String(number).padStart(width)} | ${text}`.trimEnd(), isMarked };
    if (!isMarked || column === undefined) return [row];
    return [row, { text: `  ${' '.repeat(width)} | ${' '.repeat(column - 1)}^`, isMarked }];
  });
}

function cut(text: string, from: number): string {
  const flat = text.replaceAll('\t', TAB);
  return flat.length - from > LONGEST_LINE ? `${flat.slice(from, from + LONGEST_LINE)}…` : flat.slice(from);
}

function widthOf(text: string): number {
  return text.replaceAll('\t', TAB).length;
}
