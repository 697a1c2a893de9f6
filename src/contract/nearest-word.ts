/**
 * The word of a list that a misspelt one most likely means: the one with the fewest edits, at most
 * two; the first of several. Case, `_`, `-` and `.` do not count, so `log-dir` and `LOGDIR` are
 * `LOG_DIR`. An edit adds, removes or replaces a letter, or swaps two adjacent letters. Undefined if no
 * word is near: at most a third of the letters may differ.
 */
export function nearestWord(word: string, words: Iterable<string>): string | undefined {
  const letters = toLetters(word);
  let nearest: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const each of words) {
    const wanted = toLetters(each);
    if (!canBeNear(letters, wanted, mostEdits(letters))) continue;
    const edits = countEdits(letters, wanted);
    if (edits < fewest && edits <= mostEdits(letters)) [nearest, fewest] = [each, edits];
  }
  return nearest;
}

/** The letters by which words are compared. */
export function toLetters(word: string): string {
  return word.toLowerCase().replaceAll(/[-_.]/g, '');
}

/** How many edits may lie between two words of about this length. */
export function mostEdits(letters: string): number {
  return Math.min(2, Math.floor((letters.length + 1) / 3));
}

/** False if the words need more edits by their lengths alone: most pairs of words need no closer look. */
export function canBeNear(left: string, right: string, most: number): boolean {
  return Math.abs(left.length - right.length) <= most;
}

/** The optimal string alignment distance: Levenshtein's, with two swapped letters as one edit. */
export function countEdits(left: string, right: string): number {
  let before: number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let at = 1; at <= left.length; at++) {
    const next = [at];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[at - 1] === right[column - 1];
      let edits = Math.min(get(row, column) + 1, get(next, column - 1) + 1, get(row, column - 1) + (isSame ? 0 : 1));
      const isSwapped = left[at - 1] === right[column - 2] && left[at - 2] === right[column - 1];
      if (at > 1 && column > 1 && isSwapped) edits = Math.min(edits, get(before, column - 2) + 1);
      next.push(edits);
    }
    [before, row] = [row, next];
  }
  return get(row, right.length);
}

/** The number of edits in a column; infinite outside the row. */
function get(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
