import type { Exchange } from '../contract/exchange.ts';
import { toMatchable } from '../contract/path.ts';
import type { SiteFiles, SitePage } from '../contract/site-files.ts';
import type { Outcome } from '../contract/target.ts';
import type { FileTarget } from './file-target.ts';

/** Finds the file of a path of one folder. The path is decoded and has no slash at its end. */
export type FindFile = (path: string) => FileTarget | undefined | Promise<FileTarget | undefined>;

/** The files of all folders that are served, once they are read. */
export class FoundFiles implements SiteFiles {
  readonly pages: SitePage[] = [];
  readonly #folders: FindFile[] = [];

  add(find: FindFile, pages: readonly SitePage[]): void {
    this.#folders.push(find);
    this.pages.push(...pages);
  }

  async answer(exchange: Exchange, path: string): Promise<Outcome> {
    const found = toMatchable(path);
    if (!found) return 'passed';
    for (const find of this.#folders) {
      const file = await find(found.text);
      if (file && (await file.answerInPlace(exchange, found.slashed)) === 'answered') return 'answered';
    }
    return 'passed';
  }

  has(path: string): boolean | undefined {
    const text = toMatchable(path)?.text;
    const found = text === undefined ? [] : this.#folders.map((find) => find(text));
    if (found.some((file) => file instanceof Promise)) return undefined;
    return found.some((file) => file !== undefined);
  }
}
