/**
 * The word of a list that a misspelt one most likely means: the one that the fewest edits lead to, at most two of them; of several the first. Case, `_`, `-` and
 * `.` do not count, so `log-dir` and `LOGDIR` are `LOG_DIR`. An edit is a letter more, less or other, or two neighbours that are swapped. Undefined if none is near:
 * a third of a word may differ, no more.
 */
export function nearestWord(word: string, words: Iterable<string>): string | undefined {
  const letters = toLetters(word);
  let nearest: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const each of words) {
    const edits = countEdits(letters, toLetters(each));
    if (edits < fewest && edits <= mostEdits(letters)) [nearest, fewest] = [each, edits];
  }
  return nearest;
}

/** The letters by which words are compared. */
export function toLetters(word: string): string {
  return word.toLowerCase().replaceAll(/[-_.]/g, '');
}

/** How many edits may lead from one word to another of about so many letters. */
export function mostEdits(letters: string): number {
  return Math.min(2, Math.floor((letters.length + 1) / 3));
}

/** The optimal string alignment distance: Levenshtein's, with swapped neighbours as one edit. */
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

/** Of a row that is filled up to there. */
function get(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
