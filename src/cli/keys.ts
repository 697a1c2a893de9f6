import type { ReadStream } from 'node:tty';

export interface KeysParts {
  readonly stdin: NodeJS.ReadStream;
  /** Called with each key, e.g. `r`. */
  readonly onKey: (key: string) => void;
  /** Called for Ctrl-C, which is no signal any more. */
  readonly onInterrupt: () => void;
}

/** Reads single keys of a terminal. Returns a function that gives the terminal back; undefined if stdin is none. */
export function listenToKeys({ stdin, onKey, onInterrupt }: KeysParts): (() => void) | undefined {
  if (!isTerminal(stdin)) return undefined;
  const listen = (bytes: Buffer): void => {
    for (const key of bytes.toString()) {
      // Ctrl-C and Ctrl-D.
      if (key === '\x03' || key === '\x04') onInterrupt();
      else onKey(key);
    }
  };
  stdin.setRawMode(true);
  stdin.on('data', listen);
  stdin.resume();
  return () => {
    stdin.off('data', listen);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

function isTerminal(stdin: NodeJS.ReadStream): stdin is ReadStream {
  return stdin.isTTY === true;
}
