import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StaticHeaders } from './build-file.ts';

export interface ErrorPageParts {
  /** Absolute path of the folder of the site's files. */
  readonly client: string;
  readonly headers: StaticHeaders;
  /** Where a page comes from that is not among the files; '' for nowhere. */
  readonly origin: string;
}

/** How long somebody who waits for an answer can wait for a nicer one. */
const PATIENCE_MS = 5000;

/**
 * What Astro calls for a prerendered error page, with its address below the request's own. That address is what a client says, so it is never asked: the page is
 * a file of the build, or comes from the place that the site names. A 404 if there is none.
 */
export function errorPages({ client, headers, origin }: ErrorPageParts): (url: string) => Promise<Response> {
  return async (url) => {
    const { pathname } = new URL(url);
    const [, status] = /\/(404|500)(?:\.html|\/index\.html|\/)?$/.exec(pathname) ?? [];
    const page = status === undefined ? undefined : await readPage(client, status);
    if (page) return new Response(page, { headers: [HTML, ...(headers.get(`/${status}`) ?? [])].map(toPair) });
    return origin === '' ? NONE() : fetchPage(new URL(pathname, origin));
  };
}

/** A new one each time: Astro reads it. */
const NONE = (): Response => new Response(null, { status: 404 });

const HTML = ['Content-Type', 'text/html; charset=utf-8'] as const;

/** A site has it under one of two names, by its build.format. */
async function readPage(client: string, status: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  for (const name of [`${status}.html`, `${status}/index.html`]) {
    try {
      return new Uint8Array(await readFile(join(client, name)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR')
        throw error; // all that node:fs rejects with
    }
  }
  return undefined;
}

function toPair([name, value]: readonly [string, string]): [string, string] {
  return [name, value];
}

/** Whoever asked gets the bare status if that place is away; an error page must not fail with an error. */
async function fetchPage(url: URL): Promise<Response> {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    process.emitWarning(`the error page ${url} cannot be fetched: ${reasonOf(error)}`);
    return NONE();
  }
}

/** Why undici could not fetch stands in the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error; // fetch rejects with nothing else
  return cause instanceof Error ? cause.message : message;
}
