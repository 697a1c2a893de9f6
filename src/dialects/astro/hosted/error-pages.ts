import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaultPage } from '../../../contract/fault.ts';

/**
 * Reads the prerendered error page of a site: `404.html`, or `404/index.html` in a build with a
 * folder for each page. Undefined if there is none.
 */
export async function readErrorPage(client: string, status: 404 | 500): Promise<FaultPage | undefined> {
  for (const file of [`${status}.html`, `${status}/index.html`]) {
    try {
      return { contentType: 'text/html; charset=utf-8', body: await readFile(join(client, file), 'utf8') };
    } catch {
      // Not there or not readable: the other name is tried, and without a page the status goes out
      // alone.
    }
  }
  return undefined;
}

/**
 * How Astro fetches such a page: before 5.6, and since 5.6 when the adapter gives no other way
 * (@astrojs/node before 9.5.4).
 */
const FETCHES = [
  ['await fetch(statusURL.toString())', 'await nexthopErrorPage(statusURL.toString())'],
  ['renderOptions?.prerenderedErrorPageFetch ?? fetch', 'renderOptions?.prerenderedErrorPageFetch ?? nexthopErrorPage'],
] as const;

/**
 * Changes a module of a build so that it reads prerendered error pages from the files in `client`
 * (an absolute path). Unchanged, Astro fetches them from the host that the client names
 * (CVE-2026-25545), which may be any host that nexthop can reach. Returns other modules as they
 * are.
 */
export function keepErrorPages(text: string, client: string): string {
  let changed = text;
  for (const [fetched, read] of FETCHES) changed = changed.replaceAll(fetched, read);
  if (changed === text) return text;
  const imported = `import { toErrorPageFetch } from ${JSON.stringify(import.meta.url)};`;
  return `${imported} const nexthopErrorPage = toErrorPageFetch(${JSON.stringify(client)});\n${changed}`;
}

/**
 * Imported by the modules that `keepErrorPages` changed. The returned function ignores the host of
 * the URL that Astro fetches.
 */
export function toErrorPageFetch(client: string): (url: string) => Promise<Response> {
  return async (url) => {
    const [, status] = /\/(404|500)(?:\.html|\/index\.html|\/)?$/.exec(new URL(url).pathname) ?? [];
    const page = status === undefined ? undefined : await readErrorPage(client, status === '404' ? 404 : 500);
    if (!page) return new Response(null, { status: 404 });
    return new Response(page.body, { headers: { 'Content-Type': page.contentType } });
  };
}
