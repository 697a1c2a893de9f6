import test, { type ExecutionContext } from 'ava';

/** What a helper needs of a test to end what it opened. */
export interface Owner extends Pick<ExecutionContext, 'teardown'> {
  timeout(ms: number): void;
}

/** The time that a test waits for what the first test of its file opens. */
const OPEN_TIMEOUT_MS = 400_000;

/**
 * For tests that only send requests to a server: the first call opens it, the others get the same, and it ends after the last test of the file. Must be called
 * while the test file loads.
 */
export function sharedByFile<T>(open: (owner: Owner) => Promise<T>): (t: ExecutionContext) => Promise<T> {
  const ends: (() => unknown)[] = [];
  const owner: Owner = { teardown: (end) => void ends.push(end), timeout: () => {} };
  let opened: Promise<T> | undefined;
  test.after.always(async () => {
    for (const end of ends.toReversed()) await end();
  });
  return (t) => {
    t.timeout(OPEN_TIMEOUT_MS);
    opened ??= open(owner);
    return opened;
  };
}
