import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileFolder } from '../../../contract/dialect.ts';

export type StaticHeaders = NonNullable<FileFolder['headers']>;

/** Under the names of @astrojs/node 10 and later, and 9. */
const FILES = ['_headers.json', '_experimentalHeaders.json'];

/**
 * Fields of prerendered pages, by path, that Astro writes beside what it builds. Undefined when the site has none. Throws when there is a file that
 * cannot be read: pages without their Content-Security-Policy are not what the site is.
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
      throw new Error(`${name} is no list of paths with their fields`, { cause });
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

/** Some end with a slash, and none has the base. */
function toPath(pathname: string): string {
  const path = decodeURI(pathname);
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}
