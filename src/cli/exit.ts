/**
 * Ends the process at once with this code; open handles of the site's code would keep it alive.
 * Only for the command line and the entry of a build.
 */
export function exit(code: number): never {
  process.exit(code);
}
