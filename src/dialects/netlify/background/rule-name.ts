/** Under which the jobs of a function are stored. */
export function toRuleName(functionName: string): string {
  return `netlify/${functionName}`;
}
