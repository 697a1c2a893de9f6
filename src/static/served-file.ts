import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { Outcome } from '../contract/target.ts';
import { type Range, toRange } from '../http/byte-range.ts';
import { writeHead } from '../http/write-head.ts';
import { REVALIDATE } from './cache-control.ts';
import { type Coding, chooseCodings } from './choose-codings.ts';
import type { Facts } from './facts.ts';
import { FileSender } from './file-sender.ts';
import { isSamePart, judge } from './precondition.ts';
import type { StoredFile } from './stored-file.ts';

/** Limit for a file that changes each time it is opened. */
const ATTEMPTS = 3;

export interface ServedFileParts {
  /** Relative to the site. */
  readonly name: string;
  /** The file and its precompressed siblings, in the order of preference; identity last. */
  readonly forms: readonly StoredFile[];
  readonly contentType: string;
  readonly cacheControl: string;
  /** Names and values in turn, for responses with the file and for a 304. */
  readonly extraHeaders: readonly string[];
}

/** A form of the file that the client accepts, with its latest state. */
interface Choice {
  readonly form: StoredFile;
  readonly facts: Facts;
}

/** Serves GET and HEAD requests for a file of the site, in every form in which it is stored. */
export class ServedFile {
  readonly name: string;
  readonly #cacheControl: string;
  readonly #extraHeaders: readonly string[];
  readonly #contentType: string;
  readonly #forms: readonly StoredFile[];
  readonly #codings: readonly Coding[];

  constructor({ name, forms, contentType, cacheControl, extraHeaders }: ServedFileParts) {
    this.name = name;
    this.#cacheControl = cacheControl;
    this.#extraHeaders = extraHeaders;
    this.#contentType = contentType;
    this.#forms = forms;
    this.#codings = forms.map(({ coding }) => coding);
  }

  /** Passes if the file is gone. Rejects with a Fault if it cannot be read. */
  async answer(exchange: Exchange): Promise<Outcome> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const choice = await this.#choose(exchange);
      if (exchange.left) return 'answered';
      if (!choice) return 'passed';
      if (await this.#answerWith(exchange, choice)) return 'answered';
    }
    throw new Fault('internal', { message: `the file ${this.name} changes faster than it can be opened` });
  }

  async #choose({ request }: Exchange): Promise<Choice | undefined> {
    for (const coding of chooseCodings(request.get('accept-encoding'), this.#codings)) {
      const form = this.#forms.find((each) => each.coding === coding);
      const facts = await form?.look();
      if (form && facts) return { form, facts };
    }
    return undefined;
  }

  /** Resolves with false, without a response, if the file no longer has the state of `choice`. */
  async #answerWith(exchange: Exchange, choice: Choice): Promise<boolean> {
    const { request } = exchange;
    const { facts } = choice;
    // The rule's status is that of a page about the request; conditions and ranges are about the file.
    const isPage = exchange.ruleStatus !== 0;
    const verdict = isPage ? 'send' : judge(request, facts);
    if (verdict === 'failed') writeHead(exchange, 412, ['Content-Length', '0']);
    else if (verdict === 'unchanged') writeHead(exchange, 304, this.#validatorHeaders(exchange, facts));
    // Ranges are defined for GET only (RFC 9110 14.2).
    else if (request.method === 'HEAD') this.#writeFileHead(exchange, choice, undefined);
    else return this.#sendFile(exchange, choice, isPage ? undefined : rangeOf(exchange, facts));
    exchange.response.end();
    return true;
  }

  async #sendFile(exchange: Exchange, choice: Choice, range: Range | 'unsatisfiable' | undefined): Promise<boolean> {
    const { form, facts } = choice;
    const { response } = exchange;
    if (range === 'unsatisfiable') {
      writeHead(exchange, 416, ['Content-Range', `bytes */${facts.size}`, 'Content-Length', '0']);
      response.end();
      return true;
    }
    if (facts.bytes || facts.size === 0) {
      const bytes = range ? facts.bytes?.subarray(range.first, range.last + 1) : facts.bytes;
      this.#writeFileHead(exchange, choice, range);
      response.end(bytes);
      return true;
    }
    const handle = await form.open(facts);
    if (!handle) return false;
    try {
      const sender = new FileSender(exchange, handle, facts.stats);
      const part = range ?? { first: 0, last: facts.size - 1 };
      return await sender.send(part, () => this.#writeFileHead(exchange, choice, range));
    } finally {
      await handle.close();
    }
  }

  #writeFileHead(exchange: Exchange, { form, facts }: Choice, range: Range | undefined): void {
    const headers = this.#validatorHeaders(exchange, facts);
    // The type depends on the name alone, so that the content of an uploaded file cannot turn it
    // into a script.
    headers.push('Content-Type', this.#contentType, 'X-Content-Type-Options', 'nosniff', 'Accept-Ranges', 'bytes');
    if (form.coding !== 'identity') headers.push('Content-Encoding', form.coding);
    if (range) headers.push('Content-Range', `bytes ${range.first}-${range.last}/${facts.size}`);
    headers.push('Content-Length', String(range ? range.last + 1 - range.first : facts.size));
    exchange.contentType = this.#contentType;
    writeHead(exchange, range ? 206 : 200, headers);
  }

  /** The headers that a 304 must repeat (RFC 9110 15.4.5). */
  #validatorHeaders(exchange: Exchange, { etag, lastModified }: Facts): string[] {
    exchange.isFile = true;
    const headers = [
      'ETag',
      etag,
      'Last-Modified',
      lastModified,
      'Cache-Control',
      exchange.ruleStatus === 0 ? this.#cacheControl : REVALIDATE,
      ...this.#extraHeaders,
    ];
    if (this.#forms.length > 1) headers.push('Vary', 'Accept-Encoding');
    return headers;
  }
}

function rangeOf({ request }: Exchange, facts: Facts): Range | 'unsatisfiable' | undefined {
  const range = request.get('range');
  const ifRange = request.get('if-range');
  if (range === undefined) return undefined;
  if (ifRange !== undefined && !isSamePart(ifRange, facts)) return undefined;
  return toRange(range, facts.size);
}
