/** The first major version of Node that nexthop runs on, as package.json says in `engines`. */
const LEAST_MAJOR = 24;

/** Why this Node cannot run nexthop, and what to do, in one line. Undefined if it can. */
export function complainAboutNode(): string | undefined {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= LEAST_MAJOR) return undefined;
  return (
    `nexthop needs Node ${LEAST_MAJOR} or newer; this is Node ${node} (${process.execPath}): ` +
    `install Node ${LEAST_MAJOR}, or add it to the project with "npm install node@${LEAST_MAJOR}"`
  );
}
