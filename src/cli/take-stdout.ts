type Out = (line: string) => void;

/**
 * Keeps stdout for the lines of nexthop alone, so that a script can read them: whatever else is written there from now on, by the code of a site while it loads
 * say, goes to stderr. Returns what writes a line to stdout.
 */
export function takeStdout(): Out {
  const { stdout, stderr } = process;
  // The stream itself is exchanged, not its `write`: loggers look for its descriptor (pino), and the console asks for it when it is first used.
  Object.defineProperty(process, 'stdout', { configurable: true, enumerable: true, get: () => stderr });
  return (line) => void stdout.write(`${line}\n`);
}
