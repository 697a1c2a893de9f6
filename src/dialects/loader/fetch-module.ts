import { hash } from 'node:crypto';

export interface FetchedModule {
  /** After redirects. */
  readonly url: string;
  /** Where it is stored, relative to the folder of vendored modules; its extension says what it is. */
  readonly file: string;
  readonly content: Buffer;
}

const LIMIT_MS = 30_000;
const LIMIT_BYTES = 20 * 1024 ** 2;

/** Fetches one module. Rejects with an Error whose message continues a sentence that begins with the URL. */
export async function fetchModule(url: string): Promise<FetchedModule> {
  let response: Response;
  let content: Buffer;
  try {
    // As Deno: servers of npm packages send code for it then.
    response = await fetch(url, { headers: { 'User-Agent': 'Deno/2.0.0' }, signal: AbortSignal.timeout(LIMIT_MS) });
    content = Buffer.from(await response.arrayBuffer());
  } catch (error) {
    const { message, cause } = error as Error; // fetch rejects with nothing else
    throw new Error(`cannot be fetched: ${cause instanceof Error ? cause.message : message}`);
  }
  if (!response.ok) throw new Error(`cannot be fetched: the server answers ${response.status}`);
  if (content.length > LIMIT_BYTES) throw new Error(`is longer than ${LIMIT_BYTES} bytes`);
  const at = response.url || url;
  return { url: at, content, file: toFile(at, response.headers.get('content-type') ?? '') };
}

const EXTENSION = /\.(?:[mc]?[jt]s|[jt]sx|json)$/;

/** `<host>/<path>`; with a part of a hash where the path alone does not tell URLs apart or has no extension. */
function toFile(url: string, contentType: string): string {
  const { host, pathname, search } = new URL(url);
  const path = `${host}${pathname}`
    .replaceAll(/[^\w.@/-]+/g, '_')
    .replaceAll(/\.{2,}/g, '_')
    .replace(/\/$/, '');
  const [extension = toExtension(contentType)] = EXTENSION.exec(path) ?? [];
  const stem = path.endsWith(extension) ? path.slice(0, -extension.length) : path;
  const isPlain = search === '' && path.endsWith(extension) && `${host}${pathname}` === path;
  return isPlain ? path : `${stem}-${hash('sha256', url).slice(0, 8)}${extension}`;
}

function toExtension(contentType: string): string {
  if (/typescript/.test(contentType)) return '.ts';
  return /json/.test(contentType) ? '.json' : '.js';
}
