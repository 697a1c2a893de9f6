import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Exchange, LeaveListener } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { Drain } from '../http/drain.ts';
import { isUntouched } from './facts.ts';
import type { Range } from './range.ts';

/** With 64 KiB a large download costs half more CPU, with 256 KiB a seventh less; but each slow reader holds one. */
const CHUNK_BYTES = 128 * 1024;

/** Sends a part of an open file as fast as the client takes it. */
export class FileSender implements LeaveListener {
  readonly #exchange: Exchange;
  readonly #handle: FileHandle;
  readonly #stats: Stats;
  readonly #drain: Drain;

  /** `stats`: of the file in the state that is to be sent. */
  constructor(exchange: Exchange, handle: FileHandle, stats: Stats) {
    this.#exchange = exchange;
    this.#handle = handle;
    this.#stats = stats;
    this.#drain = new Drain(exchange.response);
  }

  /**
   * Calls `writeHead` once there is something to send. Resolves with true when all is handed to the connection, or the client has left; with false when the
   * file was written to before anything was sent. Rejects with a Fault when that happens later, or it cannot be read: what was announced is then
   * never complete, so that nobody takes a part of the old and a part of the new file for one.
   */
  async send({ first, last }: Range, writeHead: () => void): Promise<boolean> {
    const exchange = this.#exchange;
    const { response } = exchange;
    exchange.onLeave(this);
    try {
      for (let at = first; at <= last && !exchange.left; ) {
        const chunk = await this.#read(at, last);
        if (exchange.left) return true;
        if (!chunk) {
          if (at === first) return false;
          throw new Fault('internal', { message: 'a file was written to while it was sent' });
        }
        if (at === first) writeHead();
        at += chunk.length;
        exchange.bodyBytesSent += chunk.length;
        if (at > last) response.end(chunk);
        else if (!response.write(chunk)) await this.#drain.next();
      }
      return true;
    } finally {
      exchange.onLeave(undefined);
    }
  }

  clientLeft(): void {
    this.#drain.wake();
  }

  /** Undefined if the file was written to since it was looked at: asked once, behind the last byte. */
  async #read(at: number, last: number): Promise<Buffer | undefined> {
    const length = Math.min(CHUNK_BYTES, last + 1 - at);
    const buffer = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await this.#handle.read(buffer, 0, length, at);
    if (bytesRead === 0) return undefined;
    if (at + bytesRead > last && !isUntouched(await this.#handle.stat(), this.#stats)) return undefined;
    return bytesRead === length ? buffer : buffer.subarray(0, bytesRead);
  }
}
