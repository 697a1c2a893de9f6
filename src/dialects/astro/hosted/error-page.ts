import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaultPage } from '../../../contract/fault.ts';

/** The page that a site has prerendered for an error, as Astro writes it with either form of build; undefined if it has none. */
export async function readErrorPage(client: string, status: 404 | 500): Promise<FaultPage | undefined> {
  for (const file of [`${status}.html`, `${status}/index.html`]) {
    try {
      return { contentType: 'text/html; charset=utf-8', body: await readFile(join(client, file), 'utf8') };
    } catch {
      // The other, or none; either way there is an answer.
    }
  }
  return undefined;
}
