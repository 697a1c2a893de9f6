import { readFile } from 'node:fs/promises';
import type { Project } from '../../contract/project.ts';

/** The text of a file; read again only if the file has changed since. Rejects as `readFile` does. */
export function readText({ fileFacts }: Pick<Project, 'fileFacts'>, path: string): Promise<string> {
  const read = (): Promise<string> => readFile(path, 'utf8');
  return fileFacts ? fileFacts.of(path, 'text', read) : read();
}
