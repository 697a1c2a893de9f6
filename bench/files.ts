import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SCENARIOS } from './scenarios.ts';

/** Writes the files that a server of files answers with, each below the folder under its path. */
export async function writeFiles(folder: string): Promise<void> {
  for (const { family, path, answer } of SCENARIOS) {
    if (family !== 'file') continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), answer);
  }
}
