import { canBeNear, countEdits, toLetters } from './nearest-word.ts';

/** An entry of a folder. */
export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/**
 * The names of a folder's entries that are most likely a misspelt `wanted`, which a platform looks for; none if `wanted`
 * itself is there. Names of copies (`_headers~`, `_headers2`, `netlify.toml.bak`), hidden names, and files with the ending
 * of another kind of file (`headers.js`) are no misspelt ones.
 */
export function findNearEntries(entries: readonly FolderEntry[], wanted: FolderEntry): readonly string[] {
  const names = entries.filter(({ isFolder }) => isFolder === wanted.isFolder).map(({ name }) => name);
  return names.includes(wanted.name) ? [] : names.filter((name) => isNear(name, wanted));
}

function isNear(name: string, { name: wanted, isFolder }: FolderEntry): boolean {
  if (!/^[\w-][\w.-]*$/.test(name) || /\d/.test(name)) return false;
  if (isFolder) return isNearWord(name, wanted);
  const [stem, ending] = toParts(name);
  const [wantedStem, wantedEnding] = toParts(wanted);
  return isNearWord(stem, wantedStem) && isNearEnding(ending, wantedEnding);
}

/** A short word has many neighbours: `assets` is no misspelt `agents`. */
const LONG_WORD = 8;

function isNearWord(word: string, wanted: string): boolean {
  const [letters, wantedLetters] = [toLetters(word), toLetters(wanted)];
  const most = wantedLetters.length < LONG_WORD ? 1 : 2;
  return canBeNear(letters, wantedLetters, most) && countEdits(letters, wantedLetters) <= most;
}

/** Editors add `.txt` to a file without an ending. */
function isNearEnding(ending: string, wanted: string): boolean {
  return wanted === '' ? ending === '' || ending === 'txt' : countEdits(ending.toLowerCase(), wanted) <= 1;
}

function toParts(name: string): readonly [stem: string, ending: string] {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1)];
}
