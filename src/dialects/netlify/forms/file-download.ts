import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { OWN_PAGE } from '../../../contract/own-page.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import { writeWebResponse } from '../../../http/web-response.ts';
import type { Submissions } from './submissions.ts';

/**
 * Sends uploaded files of submissions under their URLs, which cannot be guessed. They come from
 * unknown clients, so a browser must not run them as pages of the site.
 */
export class FileDownload implements Target {
  readonly name = 'files of forms';
  readonly isOwn = true;
  readonly #submissions: Submissions | undefined;

  constructor(submissions: Submissions | undefined) {
    this.#submissions = submissions;
  }

  async answer(exchange: Exchange, { id, key, name }: Params): Promise<Outcome> {
    exchange.step = OWN_PAGE;
    const fileKey = `${id}/${key}`;
    if (!FILE_KEY.test(fileKey)) throw new Fault('not_found');
    const submission = await this.#submissions?.find(String(id));
    const file = submission?.files.find((each) => each.key === fileKey && each.name === name);
    const found = file && (await this.#submissions?.openFile(fileKey));
    if (!found) throw new Fault('not_found');
    await writeWebResponse(exchange, {
      status: 200,
      headers: [
        ['content-type', /^[\w.+-]+\/[\w.+-]+$/.test(file.type) ? file.type : 'application/octet-stream'],
        ['content-length', String(file.size)],
        ['content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.name).replaceAll("'", '%27')}`],
        ['content-security-policy', "default-src 'none'; sandbox"],
        ['x-content-type-options', 'nosniff'],
        ['cache-control', 'private, no-store'],
      ],
      body: found.body instanceof Uint8Array ? new Blob([found.body]).stream() : found.body,
      bodyUsed: false,
    });
    return 'answered';
  }
}

const FILE_KEY = /^[0-9A-Z]{26}\/[0-9a-f]{32}$/;
