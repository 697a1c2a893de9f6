import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Entries } from './entries.ts';
import { type CheckpointSaverClass, createCheckpointer } from './langgraph-checkpointer.ts';
import { type BaseStoreClass, createLanggraphStore } from './langgraph-store.ts';
import { MemoryError } from './memory-error.ts';

const PACKAGE = '@langchain/langgraph';

/** Checkpoints before this version hold parts of the state that a checkpointer must collect itself. */
const FIRST_VERSION = 4;

/** What is used of the package. */
interface LanggraphPackage {
  readonly BaseCheckpointSaver: CheckpointSaverClass;
  readonly BaseStore: BaseStoreClass;
  readonly emptyCheckpoint: () => { readonly v: number };
}

/** The checkpointer and the store of LangGraph, made of the site's own package when they are first used. */
export class Langgraph {
  readonly #root: string;
  readonly #entries: Entries;
  #package: LanggraphPackage | undefined;
  #checkpointer: object | undefined;
  #store: object | undefined;

  /** `root`: of the site. */
  constructor(root: string, entries: Entries) {
    this.#root = root;
    this.#entries = entries;
  }

  /** Throws a MemoryError that names the package if it is absent or too old. */
  get checkpointer(): object {
    this.#checkpointer ??= createCheckpointer(this.#load().BaseCheckpointSaver, this.#entries);
    return this.#checkpointer;
  }

  /** The same. */
  get store(): object {
    this.#store ??= createLanggraphStore(this.#load().BaseStore, this.#entries);
    return this.#store;
  }

  #load(): LanggraphPackage {
    if (this.#package) return this.#package;
    const found = loadPackage(this.#root);
    const version = found.emptyCheckpoint().v;
    if (version < FIRST_VERSION) {
      const message = `${PACKAGE} 1 or later is needed: the installed one writes checkpoints of version ${version}`;
      throw new MemoryError('MemoryStorageError', message);
    }
    this.#package = found;
    return found;
  }
}

/** Why the first use will throw, as the rest of a sentence; undefined: it will not. */
export function findLackOfLanggraph(root: string): string | undefined {
  try {
    createRequire(join(root, 'package.json')).resolve(`${PACKAGE}/package.json`);
    return undefined;
  } catch {
    // Not installed, as the first use will report, too.
    return `and ${PACKAGE} is not installed: the first use throws. Run "npm install ${PACKAGE}"`;
  }
}

/** The package as the agents import it: its ES module, whose classes are others than those of its CommonJS twin. */
function loadPackage(root: string): LanggraphPackage {
  const require = createRequire(join(root, 'package.json'));
  try {
    const manifestPath = require.resolve(`${PACKAGE}/package.json`);
    const { exports } = require(manifestPath) as { readonly exports?: { readonly '.'?: unknown } };
    const entry = toEntry(exports?.['.']);
    return require(entry === undefined ? PACKAGE : join(dirname(manifestPath), entry));
  } catch (cause) {
    const message = `context.store.langgraph… needs the package ${PACKAGE}: run "npm install ${PACKAGE}" in the site`;
    throw new MemoryError('MemoryStorageError', message, cause);
  }
}

/** The file for `import` in an entry of `exports` of a package.json. */
function toEntry(exported: unknown): string | undefined {
  const target = Object(exported).import ?? undefined;
  const file: unknown = typeof target === 'string' ? target : Object(target).default;
  return typeof file === 'string' ? file : undefined;
}
