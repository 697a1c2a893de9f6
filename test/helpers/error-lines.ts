import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { untilResult } from './until-result.ts';

/** Resolves with the lines of error.log above `info` when there are at least `count`. The log is written in batches. */
export function complaints(
  { logDir }: { readonly logDir: string },
  count = 1,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const read = async () =>
    (await readFile(join(logDir, 'error.log'), 'utf8'))
      .split('\n')
      .slice(0, -1)
      .map((line): Record<string, unknown> => JSON.parse(line))
      .filter(({ level }) => level !== 'info');
  return untilResult(read, ({ length }) => length >= count);
}
