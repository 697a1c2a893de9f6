/** The text for a name of the query. */
export function greet(name: unknown): string {
  return `Hello, ${typeof name === 'string' ? name : 'world'}!\n`;
}
