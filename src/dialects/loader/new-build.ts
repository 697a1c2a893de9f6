import { hash, randomUUID } from 'node:crypto';
import { readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Ahead } from '../../contract/project.ts';
import { makeFolder } from '../../process/make-folder.ts';
import { BuildError } from './build-error.ts';
import { BUILD_FOLDER, MANIFEST, type Manifest } from './kept-build.ts';
import type { KeptPiece, Piece } from './piece.ts';
import { placeModule } from './place-module.ts';
import { readVersions } from './versions.ts';

/** Younger files may belong to a build that somebody else is writing just now. */
const LEFTOVER_MS = 60_000;

/** What a build came to. */
export interface BuildSize {
  /** Files whose code can be loaded from it. */
  readonly entries: number;
  readonly bytes: number;
}

/**
 * A build in the making. Its files are named by their content and written beside those of the last one; the manifest, which names them, is
 * replaced at last and at once. So whoever reads has the old build or the new one whole, also after a crash, and of two builds the later stands.
 */
export class NewBuild implements Ahead {
  readonly #folder: string;
  readonly #root: string;
  readonly #pieces: Piece[] = [];

  private constructor(folder: string, root: string) {
    this.#folder = folder;
    this.#root = root;
  }

  /** Makes the folder. Throws a BuildError when nothing can be written there. */
  static async open(dataDir: string, root: string): Promise<NewBuild> {
    const folder = join(dataDir, BUILD_FOLDER);
    return orComplain(dataDir, async () => {
      makeFolder(folder);
      // That the folder is there does not yet say that it takes files.
      const probe = join(folder, `${randomUUID()}.new`);
      await writeFile(probe, '');
      await rm(probe);
      return new NewBuild(await realpath(folder), await realpath(root));
    });
  }

  keep(piece: Piece): void {
    this.#pieces.push(piece);
  }

  /** Writes it; from now on the site is served from it. Throws a BuildError when that is not possible. */
  async finish(): Promise<BuildSize> {
    return orComplain(this.#folder, async () => {
      const toRoot = relative(this.#folder, this.#root);
      // Sorted, so that the same site gives the same manifest, whichever dialect was ready first.
      this.#pieces.sort((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1));
      const pieces = await Promise.all(this.#pieces.map((piece) => this.#write(piece, toRoot)));
      const manifest: Manifest = { ...readVersions(), toRoot, pieces };
      const text = `${JSON.stringify(manifest, undefined, 1)}\n`;
      await this.#writeWhole(MANIFEST, text);
      await this.#sweep(pieces);
      const functions = this.#pieces.filter(({ kind }) => kind === 'functions');
      const bytes = functions.reduce((sum, { module }) => sum + Buffer.byteLength(module?.text ?? ''), text.length);
      return { entries: new Set(functions.flatMap(({ files }) => files)).size, bytes };
    });
  }

  async #write({ module, ...piece }: Piece, toRoot: string): Promise<KeptPiece> {
    if (!module) return piece;
    const { text, map, mapFile } = placeModule(module, toRoot);
    const content = hash('sha256', text, 'hex');
    const file = `${content}.mjs`;
    await this.#writeWhole(file, text);
    await this.#writeWhole(mapFile, map);
    return { ...piece, module: { file, mapFile, hash: content } };
  }

  /** Under another name first, so that nobody ever reads a part of it. */
  async #writeWhole(name: string, text: string): Promise<void> {
    const draft = join(this.#folder, `${randomUUID()}.new`);
    await writeFile(draft, text, { flush: true });
    await rename(draft, join(this.#folder, name));
  }

  /** Removes what no manifest names any more. */
  async #sweep(pieces: readonly KeptPiece[]): Promise<void> {
    const named = new Set(pieces.flatMap(({ module }) => (module ? [module.file, module.mapFile] : [])));
    for (const name of await readdir(this.#folder)) {
      if (name === MANIFEST || named.has(name)) continue;
      const file = join(this.#folder, name);
      // Another build may have swept it in the meantime.
      const found = await stat(file).catch(() => undefined);
      if (found && Date.now() - found.mtimeMs > LEFTOVER_MS) await rm(file, { force: true, recursive: true });
    }
  }
}

function nameOf({ kind, files }: Piece): string {
  return [kind, ...files].join('\n');
}

async function orComplain<T>(folder: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new BuildError(
      `DATA_DIR cannot be written to: ${message}; give this user ${folder}, or set DATA_DIR to another folder`,
      {
        cause: error,
      },
    );
  }
}
