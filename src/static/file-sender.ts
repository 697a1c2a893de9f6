import type { FileHandle } from 'node:fs/promises';
import { Fault } from '../fault.ts';
import type { Exchange, LeaveListener } from '../http/exchange.ts';
import type { Range } from './range.ts';

/** With 64 KiB a large download costs half more CPU, with 256 KiB a seventh less; but each slow reader holds one. */
const CHUNK_BYTES = 128 * 1024;

/** Sends a part of an open file as fast as the client takes it. */
export class FileSender implements LeaveListener {
  readonly #exchange: Exchange;
  readonly #handle: FileHandle;
  #wake: (() => void) | undefined;

  constructor(exchange: Exchange, handle: FileHandle) {
    this.#exchange = exchange;
    this.#handle = handle;
  }

  /** Resolves when all is handed to the connection, or the client has left. Rejects with a Fault when the file ends early or cannot be read. */
  async send({ first, last }: Range): Promise<void> {
    const exchange = this.#exchange;
    const { response } = exchange;
    exchange.onLeave(this);
    try {
      for (let at = first; at <= last && !exchange.left; ) {
        const chunk = await this.#read(at, Math.min(CHUNK_BYTES, last + 1 - at));
        if (exchange.left) return;
        at += chunk.length;
        exchange.bodyBytesSent += chunk.length;
        if (at > last) response.end(chunk);
        else if (!response.write(chunk)) await this.#drained();
      }
    } finally {
      exchange.onLeave(undefined);
    }
  }

  clientLeft(): void {
    this.#wake?.();
  }

  async #read(at: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await this.#handle.read(buffer, 0, length, at);
    // Its length has been announced; what would follow on the connection must not be taken for the rest.
    if (bytesRead === 0) throw new Fault('internal', { message: 'a file became shorter while it was sent' });
    return bytesRead === length ? buffer : buffer.subarray(0, bytesRead);
  }

  async #drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#exchange.response.once('drain', resolve);
    });
  }
}
