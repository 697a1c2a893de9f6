import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileFolder } from '../../../contract/dialect.ts';

export type StaticHeaders = NonNullable<FileFolder['headers']>;

/** The names since @astrojs/node 10, and in 9. */
const FILES = ['_headers.json', '_experimentalHeaders.json'];

/**
 * Reads the headers of prerendered pages, by path, from the file that Astro writes beside the
 * client folder. Undefined if there is none. Throws when it cannot be read, since the site expects
 * its pages to have their Content-Security-Policy.
 */
export async function readStaticHeaders(client: string): Promise<StaticHeaders | undefined> {
  for (const name of FILES) {
    const text = await readFile(join(dirname(client), name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) continue;
    try {
      return toMap(JSON.parse(text) as readonly Entry[]);
    } catch (cause) {
      throw new Error(`${name} must be a list of paths with their headers`, { cause });
    }
  }
  return undefined;
}

interface Entry {
  readonly pathname: string;
  readonly headers: readonly { readonly key: string; readonly value: string }[];
}

function toMap(entries: readonly Entry[]): StaticHeaders {
  return new Map(
    entries.map(({ pathname, headers }) => [toPath(pathname), headers.map(({ key, value }) => [key, value] as const)]),
  );
}

/** Paths in the file have no base, and some end with a slash. */
function toPath(pathname: string): string {
  const path = decodeURI(pathname);
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}
