import type { WarmCode } from '../../contract/project.ts';

/**
 * The modules that one reading of a site uses. Those of the previous reading are reused if this one
 * looks for them, and dropped otherwise.
 */
export class LoadedCode implements WarmCode {
  readonly isFirst: boolean;
  /** A copy. A reference to the previous LoadedCode would keep all readings before it in memory. */
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
