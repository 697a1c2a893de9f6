/** Node's own functions, read before code of a site or the process guard replaces them. */
const end = process.exit.bind(process);
const endAtOnce: (code: number) => never = Reflect.get(process, 'reallyExit').bind(process);

/**
 * Ends the process at once with this code; open handles of the site's code would keep it alive.
 * Only for the command line and the entry of a build.
 */
export function exit(code: number): never {
  // Node calls `reallyExit` after the listeners for 'exit'. A listener of the site may call either
  // function with another code.
  const endNow = (): never => endAtOnce(code);
  Object.assign(process, { exit: endNow, reallyExit: endNow });
  try {
    return end(code);
  } finally {
    // A listener threw.
    endNow();
  }
}
