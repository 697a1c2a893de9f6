import type { SiteCode } from '../../contract/site-code.ts';
import { runFor, type SiteCall } from '../../process/site-calls.ts';
import { SITE_LOADS } from '../../process/site-loads.ts';

/**
 * Evaluates code of a site. Rejects with its error, and also when it tries to end the process, even
 * if it catches the exception that this throws. Rejects with a SkippedLoadError for a file that
 * ended an earlier process. `file`: the code, relative to the site.
 */
export function loadSite<T>(file: string, load: () => Promise<T>, code?: SiteCode): Promise<T> {
  return SITE_LOADS.run(file, () => loadWorking(file, load, code));
}

/** As `loadSite`, for code that worked before the file changed. */
export async function loadWorking<T>(file: string, load: () => Promise<T>, code?: SiteCode): Promise<T> {
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
  readonly isLoad = true;
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
