/** What keeps functions from being compiled or kept and is no fault of the user's code; the message says what to do. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}
