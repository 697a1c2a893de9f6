import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SCENARIOS } from './scenarios.ts';

/** Writes the files of the file scenarios into the folder, each under its path. */
export async function writeFiles(folder: string): Promise<void> {
  for (const { family, path, answer } of SCENARIOS) {
    if (family !== 'file') continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), answer);
  }
}
