import type { GoodCode, WarmCode } from '../contract/project.ts';
import type { SiteCode } from '../contract/site-code.ts';

interface Kept {
  readonly module: object;
  readonly code: SiteCode | undefined;
}

/**
 * The code that one reading of a site uses. That of the previous reading is used again if this one
 * looks for it, and dropped otherwise.
 */
export class LoadedCode implements WarmCode {
  readonly isFirst: boolean;
  /** Copies. A reference to the previous LoadedCode would keep all readings before it in memory. */
  readonly #before: Map<string, Kept>;
  readonly #goodBefore: ReadonlyMap<string, GoodCode>;
  readonly #modules = new Map<string, Kept>();
  readonly #good = new Map<string, GoodCode>();
  readonly #created = new Set<SiteCode>();
  readonly #isLaterAwaited: () => boolean;

  /** `stored`: code that worked in another process. `isLaterAwaited`: another reading waits for this one. */
  constructor(
    before?: LoadedCode,
    stored: ReadonlyMap<string, GoodCode> = new Map(),
    isLaterAwaited: () => boolean = () => false,
  ) {
    this.#isLaterAwaited = isLaterAwaited;
    this.isFirst = before === undefined;
    this.#before = new Map(before ? before.#modules : undefined);
    this.#goodBefore = new Map([...stored, ...(before ? before.#good : [])]);
  }

  find(key: string): object | undefined {
    const kept = this.#modules.get(key) ?? this.#before.get(key);
    if (kept) this.#modules.set(key, kept);
    return kept?.module;
  }

  keep(key: string, module: object, code?: SiteCode): void {
    this.#modules.set(key, { module, code });
    if (code) this.#created.add(code);
  }

  forget(key: string): void {
    this.#modules.delete(key);
    this.#before.delete(key);
  }

  keepGood(file: string, good: GoodCode): void {
    this.#good.set(file, good);
    this.#created.add(good.code);
  }

  findGood(file: string): GoodCode | undefined {
    const good = this.#goodBefore.get(file);
    if (good) this.keepGood(file, good);
    return good;
  }

  isSuperseded(file: string): boolean {
    return this.#isLaterAwaited() && this.#goodBefore.has(file);
  }

  codeOf(file: string): SiteCode | undefined {
    return this.#good.get(file)?.code;
  }

  /** By file: what worked when it last loaded. */
  get good(): ReadonlyMap<string, GoodCode> {
    return this.#good;
  }

  /** The code that this reading has loaded, or tried to load. */
  get created(): ReadonlySet<SiteCode> {
    return this.#created;
  }

  /** Code of this reading and of those before it that this one uses. */
  get used(): ReadonlySet<SiteCode> {
    const kept = [...this.#modules.values()].flatMap(({ code }) => code ?? []);
    return new Set([...kept, ...[...this.#good.values()].map(({ code }) => code)]);
  }
}
