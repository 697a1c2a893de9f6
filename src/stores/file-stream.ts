import { close, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { withOwnedChunks } from '../contract/owned-chunks.ts';

const CHUNK_BYTES = 128 * 1024;

const openFile = promisify(open);
const readFile = promisify(read);

/** Closes the files of streams that nothing reads to the end and that are garbage. */
const forgotten = new FinalizationRegistry((descriptor: number) => close(descriptor));

/**
 * Opens a file and streams it, a part for each read. The content stays readable if the file is
 * removed meanwhile. Undefined if there is no such file; rejects with other errors of the file
 * system.
 */
export async function streamFile(path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | undefined> {
  const descriptor = await openFile(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (descriptor === undefined) return undefined;
  const source = new FileSource(descriptor);
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(source, { highWaterMark: 0 });
  forgotten.register(stream, descriptor, source);
  return withOwnedChunks(stream);
}

class FileSource {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    try {
      const { bytesRead } = await readFile(this.#descriptor, buffer, 0, CHUNK_BYTES, null);
      if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
      this.#close();
      controller.close();
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  cancel(): void {
    this.#close();
  }

  #close(): void {
    forgotten.unregister(this);
    close(this.#descriptor, () => {});
  }
}
