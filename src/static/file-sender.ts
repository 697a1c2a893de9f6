import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { AnswerListener } from '../contract/answer-listener.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { Range } from '../http/byte-range.ts';
import { isUntouched } from './facts.ts';

/**
 * With 64 KiB a large download needs 50 % more CPU time, with 256 KiB 14 % less; but each slow
 * reader holds one chunk.
 */
const CHUNK_BYTES = 128 * 1024;

/** Sends a part of an open file at the rate at which the client reads. */
export class FileSender implements AnswerListener {
  readonly #exchange: Exchange;
  readonly #handle: FileHandle;
  readonly #stats: Stats;
  #wake: (() => void) | undefined;

  /** `stats`: of the file in the state that is sent. */
  constructor(exchange: Exchange, handle: FileHandle, stats: Stats) {
    this.#exchange = exchange;
    this.#handle = handle;
    this.#stats = stats;
  }

  /**
   * Calls `writeHead` when there is something to send. Resolves with true when all bytes were
   * passed to the connection, or the client has left; with false if the file was changed before
   * anything was sent. Rejects with a Fault if it is changed later or cannot be read. The response
   * then stays incomplete, so that no client takes a mixture of the old and the new file for a
   * whole.
   */
  async send({ first, last }: Range, writeHead: () => void): Promise<boolean> {
    const exchange = this.#exchange;
    const { response } = exchange;
    exchange.listen(this);
    try {
      for (let at = first; at <= last && !exchange.left; ) {
        const chunk = await this.#read(at, last);
        if (exchange.left) return true;
        if (!chunk) {
          if (at === first) return false;
          throw new Fault('internal', { message: 'a file was changed while it was sent' });
        }
        if (at === first) writeHead();
        at += chunk.length;
        if (at > last) response.end(chunk);
        else if (!response.write(chunk)) await this.#drain();
      }
      return true;
    } finally {
      exchange.listen(undefined);
    }
  }

  clientLeft(): void {
    this.#wake?.();
  }

  drained(): void {
    this.#wake?.();
  }

  /** Waits until the connection takes more, or the client has left. */
  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /**
   * Undefined if the file was changed since `stats`, which is checked once, after the last byte.
   */
  async #read(at: number, last: number): Promise<Buffer | undefined> {
    const length = Math.min(CHUNK_BYTES, last + 1 - at);
    const buffer = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await this.#handle.read(buffer, 0, length, at);
    if (bytesRead === 0) return undefined;
    if (at + bytesRead > last && !isUntouched(await this.#handle.stat(), this.#stats)) return undefined;
    return bytesRead === length ? buffer : buffer.subarray(0, bytesRead);
  }
}
