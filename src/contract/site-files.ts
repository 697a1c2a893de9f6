import type { Exchange } from './exchange.ts';
import type { Outcome } from './target.ts';

/** The static files of a site, for rules of a platform that answer with one. It has no file before the whole project is read. */
export interface SiteFiles {
  /**
   * Answers with the file or page of a path, with or without a slash at the end, and never redirects to the other form. `path`: in origin-form; a query
   * is ignored. `exchange.ruleStatus` is the status. Passes if there is no such file.
   */
  answer(exchange: Exchange, path: string): Promise<Outcome>;
  /** Whether there is such a file. Undefined in development, where files may be added. */
  has(path: string): boolean | undefined;
  /** The HTML files, as they were when the site was read. */
  readonly pages: readonly SitePage[];
}

/** An HTML file that the site serves. */
export interface SitePage {
  /** Path of its URL, decoded, without `.html` and `index.html`: `/`, `/about`, `/docs/`. */
  readonly path: string;
  /** Relative to the site, for messages. */
  readonly file: string;
  /** Absolute, without links. */
  readonly realPath: string;
}

/** For a project that is read without files. */
export const NO_FILES: SiteFiles = { answer: async () => 'passed', has: () => undefined, pages: [] };
