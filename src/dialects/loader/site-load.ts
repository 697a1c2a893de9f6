import { runFor, type SiteCall } from '../../process/site-calls.ts';

/** Evaluates code of a site. Rejects as that does, and when it asks for the end of the process, also where the code catches what it is thrown then. */
export async function loadSite<T>(load: () => Promise<T>): Promise<T> {
  const call = new SiteLoad();
  try {
    const loaded = await Promise.race([runFor(call, load), call.ended]);
    call.throwIfEnded();
    return loaded;
  } finally {
    call.isOver = true;
  }
}

class SiteLoad implements SiteCall {
  isOver = false;
  /** Never resolves. */
  readonly ended: Promise<never>;
  #reject: (error: Error) => void = () => {};
  #error: Error | undefined;

  constructor() {
    this.ended = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // Where the code throws before it is waited for.
    this.ended.catch(() => {});
  }

  end(error: Error): boolean {
    if (this.isOver) return false;
    this.#error ??= error;
    this.#reject(error);
    return true;
  }

  throwIfEnded(): void {
    if (this.#error) throw this.#error;
  }
}
