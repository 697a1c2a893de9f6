import { STATUS_CODES } from 'node:http';

/**
 * Restores the bytes of a reason phrase, which undici decodes as UTF-8. Returns the standard phrase
 * if it was not valid UTF-8, because Node throws on other characters. The phrase has no effect (RFC
 * 9112 4).
 */
export function toReasonPhrase(decoded: string, status: number): string {
  const usual = STATUS_CODES[status] ?? '';
  if (decoded === usual || decoded === '') return decoded;
  return /^[\t\x20-\x7e\x80-\u{10ffff}]*$/u.test(decoded) && !decoded.includes('\ufffd')
    ? Buffer.from(decoded).toString('latin1')
    : usual;
}
