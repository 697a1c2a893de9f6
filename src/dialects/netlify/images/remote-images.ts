/** The URLs of other hosts whose images are sent. */
export class RemoteImages {
  readonly #patterns: readonly RegExp[];

  /** `patterns`: sticky. */
  constructor(patterns: readonly RegExp[]) {
    this.#patterns = patterns;
  }

  /**
   * A pattern must match from the beginning of the URL, or of its host, and must not end inside of the host: else
   * `https://images.example` would allow `https://images.example.evil.test/`, too.
   */
  allows({ href, protocol, host, username, password }: URL): boolean {
    if ((protocol !== 'https:' && protocol !== 'http:') || username !== '' || password !== '') return false;
    const start = protocol.length + 2;
    return this.#patterns.some((pattern) => {
      for (const from of [0, start]) {
        pattern.lastIndex = from;
        const end = from + (pattern.exec(href)?.[0].length ?? Number.NEGATIVE_INFINITY);
        if (end >= start + host.length) return true;
      }
      return false;
    });
  }
}
