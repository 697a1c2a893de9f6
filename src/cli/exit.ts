/** Ends the process at once, with this code: whatever a user's code still has open would keep it alive. For those who start it: the command line, and the entry of a build. */
export function exit(code: number): never {
  process.exit(code);
}
