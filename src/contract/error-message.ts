/** The message of an error. Code of a site may throw any value; another value is returned as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
