type Out = (line: string) => void;

/**
 * Reserves stdout for the lines of nexthop, so that a script can read them. Other output, e.g. of
 * the site's code while it loads, goes to stderr. Returns a function that writes a line to stdout.
 */
export function takeStdout(): Out {
  const { stdout, stderr } = process;
  // The stream itself is replaced, not its `write`: loggers use its descriptor (pino), and the
  // console reads it at its first use.
  Object.defineProperty(process, 'stdout', { configurable: true, enumerable: true, get: () => stderr });
  return (line) => void stdout.write(`${line}\n`);
}
