import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../../contract/log.ts';

export interface ImageCacheParts {
  /** Absolute. */
  readonly folder: string;
  /** 0: nothing is kept. */
  readonly limitBytes: number;
  readonly log: Pick<Log, 'warn'>;
}

/** Images that were created, as files. Those that were not used for the longest time are removed when the limit is reached. */
export class ImageCache {
  readonly #parts: ImageCacheParts;
  /** Bytes of each file, by its name; the one used last is the last. */
  #files: Promise<Map<string, number>> | undefined;
  #bytes = 0;
  #isReported = false;

  constructor(parts: ImageCacheParts) {
    this.#parts = parts;
  }

  /** The name of the file for an image: a hash of what it was created from. */
  static toName(...parts: readonly unknown[]): string {
    return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 32);
  }

  /** Undefined if it is not there, or cannot be read. */
  async find(name: string): Promise<Buffer | undefined> {
    const { folder, limitBytes } = this.#parts;
    if (limitBytes === 0) return undefined;
    const content = await readFile(join(folder, name)).catch(() => undefined);
    const files = await this.#list();
    if (!content) this.#forget(files, name);
    else this.#note(files, name, content.length);
    return content;
  }

  /** A failure is reported once: without a cache each image is created again. */
  async keep(name: string, content: Buffer): Promise<void> {
    const { folder, limitBytes, log } = this.#parts;
    if (content.length > limitBytes) return;
    const temporary = join(folder, `${randomUUID()}${TEMPORARY}`);
    try {
      const files = await this.#list();
      await mkdir(folder, { recursive: true });
      await writeFile(temporary, content);
      // Another process may read the file at any time.
      await rename(temporary, join(folder, name));
      this.#note(files, name, content.length);
      await this.#shrink(files);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      if (!this.#isReported)
        log.warn(
          `images cannot be kept in ${folder}, so each is converted again for each request; let this user write there`,
          { error },
        );
      this.#isReported = true;
    }
  }

  #list(): Promise<Map<string, number>> {
    this.#files ??= this.#read();
    return this.#files;
  }

  /** The files of an earlier process, the oldest first. What a process that was killed left is removed. */
  async #read(): Promise<Map<string, number>> {
    const { folder } = this.#parts;
    const names = await readdir(folder).catch(() => []);
    const left = names.filter((name) => name.endsWith(TEMPORARY));
    await Promise.all(left.map((name) => rm(join(folder, name), { force: true }).catch(() => {})));
    const found = await Promise.all(
      names.map(async (name) => ({ name, stats: await stat(join(folder, name)).catch(() => undefined) })),
    );
    const files = new Map<string, number>();
    const listed = found.flatMap(({ name, stats }) => (stats?.isFile() ? [{ name, stats }] : []));
    for (const { name, stats } of listed.sort((one, other) => one.stats.mtimeMs - other.stats.mtimeMs)) {
      files.set(name, stats.size);
      this.#bytes += stats.size;
    }
    return files;
  }

  async #shrink(files: Map<string, number>): Promise<void> {
    for (const [name] of files) {
      if (this.#bytes <= this.#parts.limitBytes) return;
      this.#forget(files, name);
      await rm(join(this.#parts.folder, name), { force: true });
    }
  }

  #note(files: Map<string, number>, name: string, bytes: number): void {
    this.#forget(files, name);
    files.set(name, bytes);
    this.#bytes += bytes;
  }

  #forget(files: Map<string, number>, name: string): void {
    this.#bytes -= files.get(name) ?? 0;
    files.delete(name);
  }
}

const TEMPORARY = '.part';
