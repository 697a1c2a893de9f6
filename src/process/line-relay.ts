import { fstatSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';

const LINE_FEED = 10;
/** A line that is longer is passed on in parts. */
const LONGEST_LINE_BYTES = 1024 * 1024;

/**
 * Whether the output of several processes to this descriptor can mix within a line: it does in a
 * pipe, which takes a longer text than 4 KiB in parts. Terminals and files take each write whole.
 */
export function mixesLines(fd: number): boolean {
  const stats = fstatSync(fd, { throwIfNoEntry: false });
  return stats !== undefined && (stats.isFIFO() || stats.isSocket());
}

/** Passes whole lines on, and waits for a slow reader. */
export function relayLines(from: Readable, to: Writable): void {
  let rest: Buffer[] = [];
  let restBytes = 0;
  const pass = (bytes: Buffer): void => {
    if (bytes.length === 0 || to.write(bytes)) return;
    from.pause();
    to.once('drain', () => from.resume());
  };
  from.on('data', (chunk: Buffer) => {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    const isLong = restBytes + chunk.length > LONGEST_LINE_BYTES;
    if (end === 0 && !isLong) {
      rest.push(chunk);
      restBytes += chunk.length;
      return;
    }
    const cut = end === 0 ? chunk.length : end;
    pass(Buffer.concat([...rest, chunk.subarray(0, cut)]));
    rest = [chunk.subarray(cut)];
    restBytes = chunk.length - cut;
  });
  from.on('end', () => pass(Buffer.concat(rest)));
  // The worker has ended, which its process reports.
  from.on('error', () => {});
}
