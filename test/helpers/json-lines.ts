import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { siteFolder } from './site-folder.ts';
import { untilResult } from './until-result.ts';

export interface JsonLines<T> {
  /** Absolute. Functions of a test's site append lines to it. */
  readonly file: string;
  /** The lines so far. */
  read(): Promise<readonly T[]>;
  /** Resolves with the lines when `satisfies` accepts them. */
  until(satisfies: (lines: readonly T[]) => boolean): Promise<readonly T[]>;
}

/** An empty file of JSON lines, apart from any site. */
export async function jsonLines<T>(t: ExecutionContext): Promise<JsonLines<T>> {
  const file = join(await siteFolder(t, { 'lines.txt': '' }), 'lines.txt');
  const read = async () => {
    const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
    return lines.map((line): T => JSON.parse(line));
  };
  return { file, read, until: (satisfies) => untilResult(read, satisfies) };
}
