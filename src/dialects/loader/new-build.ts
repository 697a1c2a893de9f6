import { hash, randomUUID } from 'node:crypto';
import { readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { messageOf } from '../../contract/error-message.ts';
import type { Ahead } from '../../contract/project.ts';
import { makeFolder } from '../../process/make-folder.ts';
import { BuildError } from './build-error.ts';
import { BUILD_FOLDER, MANIFEST, type Manifest } from './kept-build.ts';
import type { KeptPiece, Piece } from './piece.ts';
import { placeModule } from './place-module.ts';
import { readVersions } from './versions.ts';

/** Younger files are not removed: another process may be writing a build. */
const LEFTOVER_MS = 60_000;

/** The result of `nexthop build`. */
export interface BuildSize {
  /** Number of files with functions. */
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Writes a build. Its files are named by the hash of their content and written beside those of the
 * previous build; then the manifest, which lists them, is replaced atomically. A reader gets either
 * the old or the new build, also after a crash; of two concurrent builds the later one wins.
 */
export class NewBuild implements Ahead {
  readonly #folder: string;
  readonly #root: string;
  readonly #pieces: Piece[] = [];

  private constructor(folder: string, root: string) {
    this.#folder = folder;
    this.#root = root;
  }

  /** Creates the folder. Throws a BuildError when it cannot be written to. */
  static async open(dataDir: string, root: string): Promise<NewBuild> {
    const folder = join(dataDir, BUILD_FOLDER);
    return orBuildError(dataDir, async () => {
      makeFolder(folder);
      // An existing folder may still be read-only.
      const probe = join(folder, `${randomUUID()}.new`);
      await writeFile(probe, '');
      await rm(probe);
      return new NewBuild(await realpath(folder), await realpath(root));
    });
  }

  keep(piece: Piece): void {
    this.#pieces.push(piece);
  }

  /**
   * Writes the build; the next start of the site uses it. Throws a BuildError when that is not
   * possible.
   */
  async finish(): Promise<BuildSize> {
    return orBuildError(this.#folder, async () => {
      const toRoot = relative(this.#folder, this.#root);
      // Sorted, so that the same site gives the same manifest, in whatever order the dialects
      // finish.
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
    const file = `${content}.cjs`;
    await this.#writeWhole(file, text);
    await this.#writeWhole(mapFile, map);
    return { ...piece, module: { file, mapFile, hash: content } };
  }

  /** Writes to a temporary name first, so that no reader gets a part of the file. */
  async #writeWhole(name: string, text: string): Promise<void> {
    const draft = join(this.#folder, `${randomUUID()}.new`);
    await writeFile(draft, text, { flush: true });
    await rename(draft, join(this.#folder, name));
  }

  /** Removes files that the manifest does not list. */
  async #sweep(pieces: readonly KeptPiece[]): Promise<void> {
    const named = new Set(pieces.flatMap(({ module }) => (module ? [module.file, module.mapFile] : [])));
    for (const name of await readdir(this.#folder)) {
      if (name === MANIFEST || named.has(name)) continue;
      const file = join(this.#folder, name);
      // Another build may have removed it in the meantime.
      const found = await stat(file).catch(() => undefined);
      if (found && Date.now() - found.mtimeMs > LEFTOVER_MS) await rm(file, { force: true, recursive: true });
    }
  }
}

function nameOf({ kind, files }: Piece): string {
  return [kind, ...files].join('\n');
}

async function orBuildError<T>(folder: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const message = messageOf(error);
    throw new BuildError(
      `DATA_DIR cannot be written to: ${message}; make ${folder} writable for this user, or set DATA_DIR to another folder`,
      {
        cause: error,
      },
    );
  }
}
