import { readFile, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wrapFetch } from '../../../contract/own-fetch.ts';
import { NativeResponse } from '../../../http/text-response.ts';

/** The folders of the sites in this process, without links. */
type Roots = Set<string>;

const ROOTS = Symbol.for('nexthop.wasm-roots');

/**
 * From now on `fetch(new URL('x.wasm', import.meta.url))` reads the file, as in Deno: modules that contain WebAssembly load it so. No other file can be fetched: a
 * URL may be the client's, and files of the site hold secrets. Nor can a file outside of the site and of the `node_modules` from which it may import.
 * `root`: the folder of the site, without links.
 */
export function offerWasm(root: string): void {
  // One for the process, also if nexthop is loaded twice.
  const scope = globalThis as { [ROOTS]?: Roots };
  scope[ROOTS] ??= new Set();
  const roots = scope[ROOTS].add(root);
  wrapFetch('nexthop.netlify.wasm', (fetch) => (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    return isWasmFile(url) ? readWasm(url, roots) : fetch(input, init);
  });
}

function isWasmFile(text: string): boolean {
  if (!text.startsWith('file:')) return false;
  const { host, pathname = '' } = URL.parse(text) ?? {};
  // An encoded byte may be another end of the name to the file system.
  return host === '' && pathname.endsWith('.wasm') && !/%(?:00|2f|5c)/i.test(pathname);
}

async function readWasm(url: string, roots: Roots): Promise<Response> {
  try {
    const { pathname } = new URL(url);
    // A link may lead to any other file.
    const path = await realpath(fileURLToPath(new URL(`file://${pathname}`)));
    if (!path.endsWith('.wasm') || ![...roots].some((root) => isOfSite(path, root))) {
      throw new Error(`${path} is outside of the site: only its folder and node_modules have WebAssembly for fetch`);
    }
    return new NativeResponse(await readFile(path), { headers: { 'content-type': 'application/wasm' } });
  } catch (cause) {
    // As `fetch` for whatever cannot be reached.
    throw new TypeError('fetch failed', { cause });
  }
}

/** Whether a file is below the folder of the site, or in a `node_modules` beside it or above it. */
function isOfSite(path: string, root: string): boolean {
  if (path.startsWith(root + sep)) return true;
  for (let folder = root; ; folder = dirname(folder)) {
    if (path.startsWith(join(folder, 'node_modules') + sep)) return true;
    if (folder === dirname(folder)) return false;
  }
}
