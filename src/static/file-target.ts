import type { FileFolder } from '../contract/dialect.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { Outcome, Target } from '../contract/target.ts';
import { writeHead } from '../http/write-head.ts';
import { ASK_AGAIN } from './cache-control.ts';
import type { ServedFile } from './served-file.ts';

/** What stands under a path, without and with a slash at its end. At least one of them. */
export interface Doors {
  readonly plain?: ServedFile;
  readonly slashed?: ServedFile;
  /** True for an address that is made from the name of a page; a file's own name is no address with a slash. */
  readonly isPage?: boolean;
}

/** Who answers without and with a slash. Where nobody does, a page leads to the other address with `moved`. */
interface Answers {
  readonly plain?: ServedFile | undefined;
  readonly slashed?: ServedFile | undefined;
  readonly moved?: 301 | 308;
}

/** Answers for one path of the site with the file that stands there. */
export class FileTarget implements Target {
  readonly name: string;
  readonly #answers: Answers;

  /** `path`: under which it stands, without a slash at its end. */
  constructor(path: string, doors: Doors, slash: NonNullable<FileFolder['slash']>) {
    this.name = (doors.plain ?? doors.slashed)?.name ?? '';
    // The top has its slash whatever the rule.
    this.#answers = doors.isPage && path !== '/' ? toAnswers(doors, slash) : doors;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    if (exchange.upgrade) return 'passed';
    const { plain, slashed, moved } = this.#answers;
    const hasSlash = endsWithSlash(exchange.target);
    const file = hasSlash ? slashed : plain;
    if (file) return file.answer(exchange);
    if (moved === undefined) return 'passed';
    leadOver(exchange, hasSlash, moved);
    return 'answered';
  }
}

function toAnswers({ plain, slashed }: Doors, slash: NonNullable<FileFolder['slash']>): Answers {
  if (slash === 'either') return { plain: plain ?? slashed, slashed: slashed ?? plain };
  // Astro's status, which a browser remembers as its author does.
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
 * To the same path with or without the slash, so that the relative links of a page lead where its author tried them. The path is one under which a
 * file stands, so it begins with one slash and no backslash: nobody is led to another host.
 */
function leadOver(exchange: Exchange, hasSlash: boolean, status: number): void {
  const { response, target } = exchange;
  const end = pathEnd(target);
  const path = hasSlash ? target.slice(0, end - 1) : `${target.slice(0, end)}/`;
  const location = path + target.slice(end);
  writeHead(exchange, status, ['Location', location, 'Cache-Control', ASK_AGAIN, 'Content-Length', '0']);
  response.end();
}
