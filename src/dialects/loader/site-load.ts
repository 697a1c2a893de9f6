import type { SiteCode } from '../../contract/site-code.ts';
import { runFor, type SiteCall } from '../../process/site-calls.ts';

/**
 * Evaluates code of a site. Rejects with its error, and also when it tries to end the process, even
 * if it catches the exception that this throws. `file`: the code, relative to the site.
 */
export async function loadSite<T>(file: string, load: () => Promise<T>, code?: SiteCode): Promise<T> {
  const call = new SiteLoad(file);
  try {
    const loaded = await Promise.race([runFor(call, load, code), call.ended]);
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
    // The code may throw before `Promise.race` handles this promise.
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
