import { STATUS_CODES } from 'node:http';

/**
 * undici reads the reason phrase as UTF-8; its bytes are restored, or the usual phrase is put for what was no UTF-8,
 * since Node throws on any other character (RFC 9112 4: the phrase is of no consequence).
 */
export function toReasonPhrase(decoded: string, status: number): string {
  const usual = STATUS_CODES[status] ?? '';
  if (decoded === usual || decoded === '') return decoded;
  return /^[\t\x20-\x7e\x80-\u{10ffff}]*$/u.test(decoded) && !decoded.includes('\ufffd')
    ? Buffer.from(decoded).toString('latin1')
    : usual;
}
