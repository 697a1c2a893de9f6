import type { FileFolder } from '../contract/dialect.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { Outcome, Target } from '../contract/target.ts';
import { writeHead } from '../http/write-head.ts';
import { REVALIDATE } from './cache-control.ts';
import type { ServedFile } from './served-file.ts';

/** The files of a path, without and with a slash at its end. At least one of them is set. */
export interface PathFiles {
  readonly plain?: ServedFile;
  readonly slashed?: ServedFile;
  /**
   * True for an address that is derived from the name of a page. A file's own name with a slash is
   * no address.
   */
  readonly isPage?: boolean;
}

/**
 * The files that are sent without and with a slash. If one is missing, a page redirects to the
 * other address with the status `moved`.
 */
interface Answers {
  readonly plain?: ServedFile | undefined;
  readonly slashed?: ServedFile | undefined;
  readonly moved?: 301 | 308;
}

/** Serves the file of one path of the site. */
export class FileTarget implements Target {
  readonly name: string;
  readonly isFile = true;
  readonly #files: PathFiles;
  readonly #answers: Answers;

  /** `path`: without a slash at its end. */
  constructor(path: string, files: PathFiles, slash: NonNullable<FileFolder['slash']>) {
    this.name = (files.plain ?? files.slashed)?.name ?? '';
    this.#files = files;
    // The root has its slash whatever the rule.
    this.#answers = files.isPage && path !== '/' ? toAnswers(files, slash) : files;
  }

  /**
   * For a rule that answers another path with this file: the client sees no redirect. `slashed`: the
   * form of the path that the rule names.
   */
  async answerInPlace(exchange: Exchange, slashed: boolean): Promise<Outcome> {
    const { plain, slashed: withSlash, isPage } = this.#files;
    const file = slashed ? (withSlash ?? (isPage ? plain : undefined)) : (plain ?? withSlash);
    if (!file) return 'passed';
    exchange.answeredBy = this.name;
    return file.answer(exchange);
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    if (exchange.upgrade) return 'passed';
    const { plain, slashed, moved } = this.#answers;
    const hasSlash = endsWithSlash(exchange.target);
    const file = hasSlash ? slashed : plain;
    if (file) return file.answer(exchange);
    if (moved === undefined) return 'passed';
    redirect(exchange, hasSlash, moved);
    return 'answered';
  }
}

function toAnswers({ plain, slashed }: PathFiles, slash: NonNullable<FileFolder['slash']>): Answers {
  if (slash === 'either') return { plain: plain ?? slashed, slashed: slashed ?? plain };
  // The status that Astro uses. Browsers store the redirect, as the configuration is unlikely to
  // change.
  if (slash === 'always') return { slashed: slashed ?? plain, moved: 301 };
  if (slash === 'never') return { plain: plain ?? slashed, moved: 301 };
  return { plain, slashed, moved: 308 };
}

function endsWithSlash(target: string): boolean {
  return target.endsWith('/', pathEnd(target));
}

function pathEnd(target: string): number {
  const query = target.indexOf('?');
  return query === -1 ? target.length : query;
}

/**
 * Redirects to the same path with or without the slash, so that relative links of a page work as
 * they did for its author. The path is one of a file, so it begins with one slash and has no
 * backslash: it cannot lead to another host.
 */
function redirect(exchange: Exchange, hasSlash: boolean, status: number): void {
  const { response, target } = exchange;
  const end = pathEnd(target);
  const path = hasSlash ? target.slice(0, end - 1) : `${target.slice(0, end)}/`;
  const location = path + target.slice(end);
  writeHead(exchange, status, ['Location', location, 'Cache-Control', REVALIDATE, 'Content-Length', '0']);
  response.end();
}
