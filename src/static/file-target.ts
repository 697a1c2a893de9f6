import type { FileFolder } from '../dialects/dialect.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Outcome, Target } from '../target.ts';
import type { ServedFile } from './served-file.ts';
import { writeHead } from './write-head.ts';

/** What stands under a path, without and with a slash at its end. At least one of them. */
export interface Doors {
  readonly plain?: ServedFile;
  readonly slashed?: ServedFile;
  /** True for an address that is made from the name of a page; a file's own name is no address with a slash. */
  readonly isPage?: boolean;
}

/** Answers for one path of the site with the file that stands there. */
export class FileTarget implements Target {
  readonly name: string;
  readonly #plain: ServedFile | undefined;
  readonly #slashed: ServedFile | undefined;
  /** The page to whose one address the other leads. */
  readonly #page: ServedFile | undefined;

  constructor({ plain, slashed, isPage = false }: Doors, slash: NonNullable<FileFolder['slash']>) {
    const page = isPage ? (plain ?? slashed) : undefined;
    this.name = (plain ?? slashed)?.name ?? '';
    this.#plain = plain ?? (slash === 'either' ? page : undefined);
    this.#slashed = slashed ?? (slash === 'either' ? page : undefined);
    this.#page = page;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    if (exchange.upgrade) return 'passed';
    const hasSlash = endsWithSlash(exchange.target);
    const file = hasSlash ? this.#slashed : this.#plain;
    if (file) return file.answer(exchange);
    if (!this.#page) return 'passed';
    leadOver(exchange, hasSlash, this.#page);
    return 'answered';
  }
}

function endsWithSlash(target: string): boolean {
  return target.endsWith('/', pathEnd(target));
}

function pathEnd(target: string): number {
  const query = target.indexOf('?');
  return query === -1 ? target.length : query;
}

/** To the same path with or without the slash, so that the relative links of a page lead where its author tried them. */
function leadOver(exchange: Exchange, hasSlash: boolean, { cacheControl }: ServedFile): void {
  const { response, target } = exchange;
  const end = pathEnd(target);
  const path = hasSlash ? target.slice(0, end - 1) : `${target.slice(0, end)}/`;
  const location = path + target.slice(end);
  writeHead(exchange, 308, ['Location', location, 'Cache-Control', cacheControl, 'Content-Length', '0']);
  response.end();
}
