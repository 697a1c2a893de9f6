import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder. Disposing of it removes it with its content. */
export class Folder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<Folder> {
    const path = await mkdtemp(join(tmpdir(), 'nexthop-bench-'));
    // If root starts nginx, its workers run as another user.
    await chmod(path, 0o755);
    return new Folder(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
