import type { WarmCode } from '../../contract/project.ts';

/** The code of one reading of a site, of which that of the reading before is a part as far as it is asked for again. */
export class LoadedCode implements WarmCode {
  readonly isFirst: boolean;
  /** A copy of what stood there: with the reading itself, each would keep all before it. */
  readonly #before: Map<string, object>;
  readonly #modules = new Map<string, object>();

  constructor(before?: LoadedCode) {
    this.isFirst = before === undefined;
    this.#before = new Map(before ? before.#modules : undefined);
  }

  find(key: string): object | undefined {
    const module = this.#modules.get(key) ?? this.#before.get(key);
    if (module) this.#modules.set(key, module);
    return module;
  }

  keep(key: string, module: object): void {
    this.#modules.set(key, module);
  }

  forget(key: string): void {
    this.#modules.delete(key);
    this.#before.delete(key);
  }
}
