import { posix } from 'node:path';

/** What a path may consist of for every server to read it alike. */
const PLAIN = /^(?:\/[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*)*\/?$/;

/**
 * The path of a target as it was received, and as any server behind a guard may read it: decoded, decoded until nothing is left to decode, and each of these
 * with backslashes as slashes, and dot segments and empty ones resolved. A filter that may guard the site (a middleware, header rules) runs when its pattern
 * matches one of them, so that no spelling of a path passes it: the hop may well take `/public/..%252fadmin` for `/admin`.
 */
export function toGuardedPaths(target: string): readonly string[] {
  const [raw = ''] = target.split('?', 1);
  if (PLAIN.test(raw)) return [raw];
  const whole = decode(decodeFully(raw));
  // Where a server that decodes first would end the path.
  const [cut = ''] = whole.split(/[?#\0]/, 1);
  const texts = [raw, decodeAscii(raw), decode(raw), whole, cut];
  return [...new Set([...texts, ...texts.map(normalize)])];
}

function normalize(path: string): string {
  return posix.normalize(path.replaceAll('\\', '/')).replace(/^\/{2,}/, '/');
}

/** Also of a path with malformed escapes. */
function decodeAscii(path: string): string {
  return path.replaceAll(ASCII_ESCAPE, decodeURIComponent);
}

const ASCII_ESCAPE = /%[0-7][\dA-Fa-f]/g;
const ASCII_CODE = /^[0-7][\dA-Fa-f]$/;

/**
 * ASCII that was encoded any number of times. In one pass, since the client chooses how often: whatever is an escape with the last character that was read becomes
 * the character it stands for, which may complete another one.
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
    // Malformed, or no UTF-8: the other readings are all there are.
    return path;
  }
}
