import { posix } from 'node:path';

/** Paths that every server reads in the same way. */
const PLAIN = /^(?:\/[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*)*\/?$/;

/**
 * All readings of a target's path that a server after a filter may use: as received,
 * percent-decoded once, decoded until nothing is left to decode, and each of these with backslashes
 * as slashes and with dot segments and empty segments resolved. A filter that may protect the site
 * (a middleware, header rules) runs if its pattern matches any of them, so no spelling of a path
 * bypasses it: the hop may read `/public/..%252fadmin` as `/admin`.
 */
export function toGuardedPaths(target: string): readonly string[] {
  const [raw = ''] = target.split('?', 1);
  if (PLAIN.test(raw)) return [raw];
  const whole = decode(decodeFully(raw));
  // A server that decodes first would end the path at one of these.
  const [cut = ''] = whole.split(/[?#\0]/, 1);
  const texts = [raw, decodeAscii(raw), decode(raw), whole, cut];
  return [...new Set([...texts, ...texts.map(normalize)])];
}

/** Ends of paths that lead to the page of the path without them. */
const PAGE_END = /(?:\/index\.html|\/index|\.html|\/)$/i;

/**
 * The paths that lead to the same page as a path, which is the first of them: `/a`, `/a/`, `/a.html`, `/a/index` and `/a/index.html`. What guards one
 * of them guards the file, so it guards all. `path`: as one of `toGuardedPaths`.
 */
export function toPagePaths(path: string): readonly string[] {
  const base = path.replace(PAGE_END, '');
  const pages = base === '' ? [] : [base, `${base}.html`];
  return [...new Set([path, ...pages, `${base}/`, `${base}/index`, `${base}/index.html`])];
}

function normalize(path: string): string {
  return posix.normalize(path.replaceAll('\\', '/')).replace(/^\/{2,}/, '/');
}

/** Decodes ASCII also in a path with malformed escapes. */
function decodeAscii(path: string): string {
  return path.replaceAll(ASCII_ESCAPE, decodeURIComponent);
}

const ASCII_ESCAPE = /%[0-7][\dA-Fa-f]/g;
const ASCII_CODE = /^[0-7][\dA-Fa-f]$/;

/**
 * Decodes ASCII that was encoded any number of times. In one pass, because the client chooses how
 * many: when the last character completes an escape, the escape is replaced by its character, which
 * may complete another escape.
 */
function decodeFully(path: string): string {
  const read: string[] = [];
  for (const character of path) {
    read.push(character);
    while (read.at(-3) === '%' && ASCII_CODE.test(read.slice(-2).join(''))) {
      read.push(decodeURIComponent(read.splice(-3).join('')));
    }
  }
  return read.join('');
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // Malformed escape or invalid UTF-8: only the other readings apply.
    return path;
  }
}
