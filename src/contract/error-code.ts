/**
 * Whether an error of Node has one of these codes, e.g. `EEXIST`. Not by its class: in a realm of its own, such as that of a test file of jest, Node's
 * errors are instances of another `Error`.
 */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && codes.includes(String(error.code));
}

/** Whether an error of `node:fs` says that there is nothing at the path. */
export function isMissingFile(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ENOTDIR');
}
