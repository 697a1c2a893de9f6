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

/** How Astro gets such a page before 5.6, and in Astro 5 since then, if the adapter does not say how (@astrojs/node before 9.5.4). */
const FETCHES = [
  ['await fetch(statusURL.toString())', 'await nexthopErrorPage(statusURL.toString())'],
  ['renderOptions?.prerenderedErrorPageFetch ?? fetch', 'renderOptions?.prerenderedErrorPageFetch ?? nexthopErrorPage'],
] as const;

/**
 * Has a module of a build take prerendered error pages from the files in `client` (an absolute path), which it otherwise fetches from the host that the client names
 * (CVE-2026-25545): an answer then never comes, or comes from any host that nexthop can reach. Without effect on other modules.
 */
export function keepErrorPages(text: string, client: string): string {
  let changed = text;
  for (const [fetched, read] of FETCHES) changed = changed.replaceAll(fetched, read);
  if (changed === text) return text;
  const imported = `import { toErrorPageFetch } from ${JSON.stringify(import.meta.url)};`;
  return `${imported} const nexthopErrorPage = toErrorPageFetch(${JSON.stringify(client)});\n${changed}`;
}

/** Imported by the modules that `keepErrorPages` has changed. The function takes the URL by which Astro asks for a page; its host means nothing. */
export function toErrorPageFetch(client: string): (url: string) => Promise<Response> {
  return async (url) => {
    const [, status] = /\/(404|500)(?:\.html|\/index\.html|\/)?$/.exec(new URL(url).pathname) ?? [];
    const page = status === undefined ? undefined : await readErrorPage(client, status === '404' ? 404 : 500);
    if (!page) return new Response(null, { status: 404 });
    return new Response(page.body, { headers: { 'Content-Type': page.contentType } });
  };
}
