/** Header lines with credentials, which error messages may quote. */
const SECRET_LINES = /\b(proxy-authorization|authorization|set-cookie|cookie)(["']?\s*:)[^\r\n]*/gi;

/** Replaces each secret. */
export const REMOVED = '[removed]';

/** In UTF-16 units. */
const LONGEST_TEXT = 16 * 1024;

/** Text for a log or a store, without secrets and of bounded length. */
export function toLoggableText(text: string): string {
  const cut = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
  return cut.replace(SECRET_LINES, `$1$2 ${REMOVED}`);
}
