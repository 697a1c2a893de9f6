import { Fault } from '../contract/fault.ts';
import { type KeptValues, ValueKey } from '../contract/kept-values.ts';

/** Paths that every server reads in the same way. */
const PLAIN = /^(?:\/[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*)*\/?$/;

/**
 * All readings of a target's path that a server after a filter may use. A server may take the target for a path or for a reference (then `//a` is a
 * host, and `%2e` a dot), resolve dot segments, decode once or until nothing is left, and resolve again; it may read backslashes as slashes,
 * and `//` as one slash or as an empty segment. A filter that may protect the site (a middleware, header rules) runs if its pattern
 * matches any of them, so no spelling of a path bypasses it: the hop may read `/public/..%252fadmin`, `/./admin//../x` and
 * `/a%2fb/%2e%2e/admin/x` as paths below `/admin`. Throws `bad_path` for a long path that mixes so many of these that the readings take too much work.
 *
 * `kept`: of the exchange of the request, so that its path is read once for all filters.
 */
export function toGuardedPaths(target: string, kept?: KeptValues): readonly string[] {
  const query = target.indexOf('?');
  const raw = query < 0 ? target : target.slice(0, query);
  if (PLAIN.test(raw)) return [raw];
  const known = kept?.get(READINGS);
  if (known?.target === target) return known.paths;
  const paths = new Reader().read(raw);
  // Otherwise a filter has rewritten the target.
  if (!known) kept?.set(READINGS, { target, paths });
  return paths;
}

const READINGS = new ValueKey<{ readonly target: string; readonly paths: readonly string[] }>();

/** For an inner exchange of the same request. */
export function shareGuardedPaths(outer: KeptValues, inner: KeptValues): void {
  const known = outer.get(READINGS);
  if (known) inner.set(READINGS, known);
}

/**
 * The most characters of all readings and their intermediate steps, which take 1 ms. A path of 300 characters has fewer whatever it contains, and so has
 * one of 16 KB that has other URLs in it, encoded once or twice.
 */
const MOST_READ_CHARACTERS = 160_000;

/** Two slashes begin the host of a reference (WHATWG URL). */
const AUTHORITY = /^[/\\]{2,}[^/\\]*/;
const ESCAPED_DOT = /%2e/gi;

/** What `resolve` changes. */
const UNRESOLVED = /\\|\/\/|\/\.{1,2}(?:\/|$)/;

class Reader {
  #left = MOST_READ_CHARACTERS;

  read(raw: string): readonly string[] {
    const references = [raw, raw.replace(AUTHORITY, '') || '/'].flatMap((path) => [
      path,
      path.replaceAll(ESCAPED_DOT, '.'),
    ]);
    const resolved = this.#each(references, resolve);
    const decoded = this.#each(resolved, toDecoded);
    return [...this.#each(decoded, resolve)];
  }

  #each(paths: Iterable<string>, step: (path: string) => readonly string[]): ReadonlySet<string> {
    const results = new Set<string>();
    for (const path of new Set(paths)) {
      for (const result of step(path)) {
        this.#left -= result.length;
        results.add(result);
      }
      if (this.#left < 0) throw new Fault('bad_path', { message: 'the path can be read in too many ways' });
    }
    return results;
  }
}

const SLASH = 0x2f;
const DOT = 0x2e;
const PERCENT = 0x25;

/** The path itself, then with dot segments and empty segments resolved, in each way. */
function resolve(path: string): readonly string[] {
  if (!UNRESOLVED.test(path)) return [path];
  const slashed = path.includes('\\') ? [path, path.replaceAll('\\', '/')] : [path];
  return slashed.flatMap((each) => {
    if (!DOT_SEGMENT.test(each)) return [each, withoutEmpty(each)];
    const resolved = removeDotSegments(each, false);
    return [each, resolved, withoutEmpty(resolved), removeDotSegments(each, true)];
  });
}

const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;

function withoutEmpty(path: string): string {
  return path.includes('//') ? path.replaceAll(/\/{2,}/g, '/') : path;
}

/**
 * RFC 3986 5.2.4: `..` may remove an empty segment. With `skipsEmpty` as `posix.normalize`: empty segments are removed first, and a dot segment at the end
 * leaves no slash. Codes of characters: lists of segments would take several times as long.
 */
function removeDotSegments(path: string, skipsEmpty: boolean): string {
  const kept = new Uint16Array(path.length + 1);
  // Without its host a reference may begin with a backslash.
  const start = Math.max(path.indexOf('/'), 0);
  let end = 0;
  while (end < start) kept[end] = path.charCodeAt(end++);
  let isDots = false;
  for (let from = start + 1, to = 0; from <= path.length; from = to + 1) {
    const slash = path.indexOf('/', from);
    to = slash < 0 ? path.length : slash;
    const isDot = to - from === 1 && path.charCodeAt(from) === DOT;
    const isParent = to - from === 2 && path.charCodeAt(from) === DOT && path.charCodeAt(from + 1) === DOT;
    isDots = isDot || isParent;
    while (isParent && end > start && kept[--end] !== SLASH);
    if (isDots || (skipsEmpty && to === from)) continue;
    kept[end++] = SLASH;
    for (let at = from; at < to; at++) kept[end++] = path.charCodeAt(at);
  }
  if (skipsEmpty ? end === start || path.endsWith('/') : isDots) kept[end++] = SLASH;
  return toText(kept, end);
}

function toDecoded(path: string): readonly string[] {
  if (!path.includes('%')) return [path];
  const once = decodeAscii(path);
  const whole = decode(decodeFully(once));
  // A server that decodes first would end the path at one of these.
  const [cut = ''] = whole.split(/[?#\0]/, 1);
  return [path, once, decode(path), whole, cut];
}

/** Decodes ASCII also in a path with malformed escapes. */
function decodeAscii(path: string): string {
  const read = new Uint16Array(path.length);
  let end = 0;
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    const ascii = code === PERCENT ? toAscii(path.charCodeAt(at + 1), path.charCodeAt(at + 2)) : -1;
    read[end++] = ascii < 0 ? code : ascii;
    if (ascii >= 0) at += 2;
  }
  return toText(read, end);
}

/**
 * Decodes ASCII that was encoded any number of times. The client chooses how often, so there is one pass: when the last character completes an escape, the
 * escape is replaced by its character, which may complete another escape.
 */
function decodeFully(path: string): string {
  if (!path.includes('%')) return path;
  const read = new Uint16Array(path.length);
  let end = 0;
  for (let at = 0; at < path.length; at++) {
    read[end++] = path.charCodeAt(at);
    while (end > 2 && read[end - 3] === PERCENT) {
      const ascii = toAscii(read[end - 2] as number, read[end - 1] as number); // within bounds
      if (ascii < 0) break;
      end -= 2;
      read[end - 1] = ascii;
    }
  }
  return toText(read, end);
}

/** The character of an escape with these digits; -1: it is none of ASCII. */
function toAscii(highCode: number, lowCode: number): number {
  const high = toDigit(highCode);
  const low = toDigit(lowCode);
  return high >= 0 && high < 8 && low >= 0 ? high * 16 + low : -1;
}

/** The value of a hexadecimal digit; -1 for other characters. */
function toDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function toText(codes: Uint16Array, end: number): string {
  return Buffer.from(codes.buffer).toString('utf16le', 0, 2 * end);
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // Malformed escape or invalid UTF-8: only the other readings apply.
    return path;
  }
}

/** Ends of paths that lead to the page of the path without them. */
const PAGE_END = /(?:\/index\.html|\/index|\.html|\/)$/i;

/** Ends of files that are sent, under their own path, and in place of the file without this end to clients that accept the coding. */
const CODED_END = /\.(?:br|gz|zst)$/i;

/**
 * The paths that lead to the same page as a path, which is the first of them: `/a`, `/a/`, `/a.html`, `/a/index` and `/a/index.html`, and for
 * `/a.html.gz` also all of these. What guards one of them guards the file, so it guards all. `path`: as one of `toGuardedPaths`.
 */
export function toPagePaths(path: string): readonly string[] {
  const file = path.replace(CODED_END, '');
  const base = file.replace(PAGE_END, '');
  const pages = base === '' ? [] : [base, `${base}.html`];
  return [...new Set([path, file, ...pages, `${base}/`, `${base}/index`, `${base}/index.html`])];
}
