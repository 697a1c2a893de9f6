import { randomBytes } from 'node:crypto';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { messageOf } from '../../../contract/error-message.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { BodySink } from '../../../contract/http-message.ts';
import type { SubmittedField, SubmittedFile } from './submission.ts';
import type { Submissions } from './submissions.ts';

/** What a form may send. A person fills in less. */
const LIMITS = {
  fieldNameSize: 512,
  fieldSize: 1024 ** 2,
  fields: 1000,
  files: 50,
  parts: 1050,
  headerPairs: 20,
  headerSize: 16 * 1024,
};

/** Of all fields that are no files. */
const MAX_TEXT_BYTES = 1024 ** 2;

export interface SubmittedForm {
  readonly fields: readonly SubmittedField[];
  /** They are stored. */
  readonly files: readonly SubmittedFile[];
}

/**
 * Reads the body of a submission to its end, and stores its files on the way, below keys that begin
 * with `id`. Rejects with a Fault for a body that is no form (`bad_body`), is too large
 * (`body_too_large`) or does not come; then no file stays stored.
 */
export async function readSubmittedForm(
  exchange: Exchange,
  id: string,
  submissions: Submissions,
): Promise<SubmittedForm> {
  const reading = new Reading(exchange, id, submissions);
  try {
    return await reading.run();
  } catch (error) {
    exchange.request.body.discard();
    await reading.discard();
    throw error;
  }
}

class Reading implements BodySink, SubmittedForm {
  readonly fields: SubmittedField[] = [];
  readonly files: SubmittedFile[] = [];
  readonly #exchange: Exchange;
  readonly #id: string;
  readonly #submissions: Submissions;
  readonly #parser: BusboyInstance;
  readonly #stored: Promise<void>[] = [];
  readonly #streams: BusboyFileStream[] = [];
  readonly #over = Promise.withResolvers<void>();
  #textBytes = 0;

  constructor(exchange: Exchange, id: string, submissions: Submissions) {
    this.#exchange = exchange;
    this.#id = id;
    this.#submissions = submissions;
    try {
      this.#parser = new Busboy({
        headers: { 'content-type': exchange.request.get('content-type') ?? '' },
        limits: LIMITS,
      });
    } catch (cause) {
      throw toBadBody(cause);
    }
  }

  async run(): Promise<SubmittedForm> {
    const tooMuch = (what: string) => () => this.#over.reject(toTooLarge(what));
    this.#parser
      .on('field', (name: string | undefined, value, isNameCut, isValueCut) =>
        this.#try(() => this.#addField(name, value, isNameCut || isValueCut)),
      )
      .on('file', (name: string | undefined, stream, fileName, _, type) =>
        this.#try(() => this.#addFile(name, stream, { fileName, type })),
      )
      .on('fieldsLimit', tooMuch(`${LIMITS.fields} fields`))
      .on('filesLimit', tooMuch(`${LIMITS.files} files`))
      .on('partsLimit', tooMuch(`${LIMITS.parts} parts`))
      .on('error', (cause) => this.#over.reject(toBadBody(cause)))
      .on('finish', () => this.#over.resolve());
    this.#exchange.request.body.start(this);
    await this.#over.promise;
    await Promise.all(this.#stored);
    return this;
  }

  /** Ends what still reads, and removes what is stored. */
  async discard(): Promise<void> {
    this.#parser.on('error', () => {});
    for (const stream of this.#streams) stream.destroy();
    this.#parser.destroy();
    await Promise.allSettled(this.#stored);
    await this.#submissions.deleteFiles(this.files).catch(() => {
      // The store is away; reading failed with the same error.
    });
  }

  onData(content: Buffer): void {
    const { body } = this.#exchange.request;
    this.#try(() => {
      if (this.#parser.write(content)) return;
      body.pause();
      this.#parser.once('drain', () => body.resume());
    });
  }

  onEnd(): void {
    this.#try(() => this.#parser.end());
  }

  onFailure(fault: Fault): void {
    this.#over.reject(fault);
  }

  /** Rejects the reading with an error of `step`. Thrown to the event of the parser, it would end the process. */
  #try(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#over.reject(error instanceof Fault ? error : toBadBody(error));
    }
  }

  #addField(name: string | undefined, value: string, isCut: boolean): void {
    if (name === undefined) throw toBadBody('a part has no name');
    this.#textBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (isCut || this.#textBytes > MAX_TEXT_BYTES) this.#over.reject(toTooLarge(`${MAX_TEXT_BYTES} bytes of text`));
    else this.fields.push([name, value]);
  }

  #addFile(
    field: string | undefined,
    stream: BusboyFileStream,
    { fileName, type }: { readonly fileName: string | undefined; readonly type: string },
  ): void {
    // A part that ends early fails in the parser, too.
    stream.on('error', () => {});
    if (field === undefined) {
      stream.resume();
      throw toBadBody('a part has no name');
    }
    // What a browser sends for a field in which no file was chosen.
    if (!fileName) {
      stream.resume();
      return;
    }
    this.#streams.push(stream);
    const key = `${this.#id}/${randomBytes(16).toString('hex')}`;
    const name = toFileName(fileName);
    const file = { field, name, type: type || 'application/octet-stream', size: 0, key };
    const at = this.files.push(file) - 1;
    const stored = this.#submissions.putFile(key, stream).then((size) => {
      this.files[at] = { ...file, size };
    });
    this.#stored.push(stored);
    stored.catch((error: unknown) => this.#over.reject(error));
  }
}

/** Without characters that mean something in a path or a header, and no longer than file systems take. */
function toFileName(name: string): string {
  const plain = name
    .replace(/^.*[/\\]/s, '')
    .replaceAll(/[\p{Cc}"<>|:*?]/gu, '_')
    .toWellFormed();
  let short = plain;
  while (Buffer.byteLength(short) > 200) short = short.slice(0, -1).toWellFormed();
  return short === '' || /^\.+$/.test(short) ? 'file' : short;
}

function toTooLarge(what: string): Fault {
  const message = `a form may have at most ${what}`;
  return new Fault('body_too_large', { message, clientMessage: message });
}

function toBadBody(cause: unknown): Fault {
  const why = messageOf(cause);
  return new Fault('bad_body', {
    message: `the body is no form: ${why}`,
    clientMessage: `the body is no form: ${why}`,
    cause,
  });
}
