import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GoodCode } from '../../contract/project.ts';
import { makeFolder } from '../../process/make-folder.ts';
import { type CodeSource, openBundle } from './compile.ts';
import { evaluateText, type ModuleText } from './place-module.ts';
import { loadWorking } from './site-load.ts';

/** The content of the file. */
interface Stored {
  readonly bundles: readonly ModuleText[];
  readonly files: readonly StoredFile[];
}

interface StoredFile {
  readonly file: string;
  readonly entry: string;
  /** Index of its bundle. */
  readonly bundle: number;
  readonly facts?: object;
}

export interface StoredCodeParts {
  /** Absolute path of the site. */
  readonly root: string;
  readonly dataDir: string;
}

/**
 * Code that worked, in DATA_DIR, for a process that takes the place of one that serves it: the files
 * of the site may be broken by then. One file, replaced atomically, because several processes write
 * it.
 */
export class StoredCode {
  readonly #root: string;
  readonly #folder: string;
  readonly #path: string;

  constructor({ root, dataDir }: StoredCodeParts) {
    this.#root = root;
    this.#folder = join(dataDir, 'functions');
    this.#path = join(this.#folder, 'worked-before.json');
  }

  /** Replaces what is stored. Builds of Astro are not stored: their modules are their files. */
  async save(goods: ReadonlyMap<string, GoodCode>): Promise<void> {
    const texts = new Map<string, { readonly index: number; readonly module: ModuleText }>();
    const files = [...goods].flatMap(([file, { source, facts }]): StoredFile[] => {
      if (!source) return [];
      const { module, entry } = source as CodeSource; // only the loader makes one
      const { index } = texts.get(module.text) ?? { index: texts.size };
      texts.set(module.text, { index, module });
      return [{ file, entry, bundle: index, ...(facts && { facts }) }];
    });
    const stored: Stored = { bundles: [...texts.values()].map(({ module }) => module), files };
    makeFolder(this.#folder);
    const draft = `${this.#path}.${randomUUID()}`;
    await writeFile(draft, JSON.stringify(stored));
    await rename(draft, this.#path);
  }

  async clear(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  /** Evaluates what is stored. A file that fails is left out. Empty if nothing is stored. */
  async load(): Promise<ReadonlyMap<string, GoodCode>> {
    const text = await readFile(this.#path, 'utf8').catch(() => undefined);
    if (text === undefined) return new Map();
    const { bundles, files } = JSON.parse(text) as Stored; // `save` wrote it
    const opened = await Promise.all(
      bundles.map(async (module) => openBundle(this.#root, await evaluateText(module, this.#root, this.#folder))),
    );
    const goods = new Map<string, GoodCode>();
    for (const { file, entry, bundle, facts } of files) {
      const { loaders, hooks } = opened[bundle] ?? {};
      const loader = loaders?.[entry];
      const module = bundles[bundle];
      if (!loader || !hooks || !module) continue;
      try {
        const exports = await loadWorking(file, loader, hooks.code);
        goods.set(file, { exports, code: hooks.code, source: { module, entry }, ...(facts && { facts }) });
      } catch {
        // Its route answers 500, with the error of the file as it is now.
      }
    }
    return goods;
  }
}
