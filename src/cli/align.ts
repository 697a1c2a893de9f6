const GAP = '  ';

/** Rows as lines, with columns as wide as their longest cell. The last column is not padded. */
export function align(rows: readonly (readonly string[])[]): readonly string[] {
  const lines = rows.map((row) => row.map(inOneLine));
  const widths = lines.reduce<readonly number[]>(
    (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
    [],
  );
  return lines.map(
    (row) =>
      GAP +
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(GAP)
        .trimEnd(),
  );
}

/**
 * Replaces control characters and line breaks: names of files and error messages may contain
 * terminal escapes.
 */
export function inOneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ').replaceAll(/\p{Cc}/gu, escapeControl);
}

function escapeControl(control: string): string {
  return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
