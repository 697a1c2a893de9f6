import { runFor, type SiteCall } from '../../process/site-calls.ts';

/** Evaluates code of a site, in this file relative to it. Rejects as that does, and when it asks for the end of the process, also where the code catches what it is thrown then. */
export async function loadSite<T>(file: string, load: () => Promise<T>): Promise<T> {
  const call = new SiteLoad(file);
  try {
    const loaded = await Promise.race([runFor(call, load), call.ended]);
    call.throwIfEnded();
    return loaded;
  } finally {
    call.isOver = true;
  }
}

class SiteLoad implements SiteCall {
  readonly calledCode: string;
  isOver = false;
  /** Never resolves. */
  readonly ended: Promise<never>;
  #reject: (error: Error) => void = () => {};
  #error: Error | undefined;

  constructor(file: string) {
    this.calledCode = file;
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
