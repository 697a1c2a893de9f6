import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissingFile } from '../contract/error-code.ts';
import type { StaticHeaders } from './build-file.ts';

export interface ErrorPageParts {
  /** Absolute path of the folder of the site's files. */
  readonly client: string;
  readonly headers: StaticHeaders;
  /** The origin from which a page is fetched that is not among the files; '' if none is set. */
  readonly origin: string;
}

/** Node's own: code of the site may replace the global. */
const { fetch } = globalThis;

const FETCH_TIMEOUT_MS = 5000;

/**
 * The function that Astro calls to get a prerendered error page, with a URL on the request's host.
 * The client chose that host, so it is never contacted: the page is read from the build's files, or
 * fetched from the origin that the site set. Resolves with a 404 if there is none.
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

/** Makes a new Response for each call, since Astro reads it. */
const NONE = (): Response => new Response(null, { status: 404 });

const HTML = ['Content-Type', 'text/html; charset=utf-8'] as const;

/** Reads the file of a page, whose name depends on the site's `build.format`. */
async function readPage(client: string, status: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  for (const name of [`${status}.html`, `${status}/index.html`]) {
    try {
      return new Uint8Array(await readFile(join(client, name)));
    } catch (error) {
      if (!isMissingFile(error)) throw error;
    }
  }
  return undefined;
}

function toPair([name, value]: readonly [string, string]): [string, string] {
  return [name, value];
}

/**
 * Fetches a page. If that fails, logs a warning and resolves with a 404: the client then gets its
 * status without a page.
 */
async function fetchPage(url: URL): Promise<Response> {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  } catch (error) {
    process.emitWarning(`the error page ${url} cannot be fetched: ${reasonOf(error)}`);
    return NONE();
  }
}

/** The reason of a failed fetch is in its error's cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error; // fetch rejects with nothing else
  return cause instanceof Error ? cause.message : message;
}
