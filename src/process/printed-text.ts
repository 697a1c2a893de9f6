import { syncBuiltinESMExports } from 'node:module';
import type { Writable } from 'node:stream';
import { PRINTED_FIELDS, type PrintedText } from '../contract/log.ts';
import { Caller } from './caller.ts';
import { currentCall, type SiteCall } from './site-calls.ts';

export interface CaptureOptions {
  /** Absolute path of the site. */
  readonly site: string;
  /** Must not throw. */
  readonly receive: (printed: PrintedText) => void;
  /** Also writes the text to its stream, unchanged. */
  readonly isPassedOn: boolean;
}

type Level = PrintedText['level'];
type Write = (...given: readonly unknown[]) => boolean;

/** Levels of the console's methods; that of all others is `info`. */
const LEVELS: Readonly<Record<string, Level>> = { debug: 'debug', trace: 'debug', warn: 'warn', error: 'error' };
/** Text without a line end is received after this time, or when it has this length in UTF-16 units. */
const PARTIAL_MS = 200;
const LONGEST_PARTIAL = 16 * 1024;

/** The streams whose `write` is replaced, with their own. */
const OWN_WRITES = new WeakMap<object, Write>();

/**
 * Passes all text that code of the site prints to `receive`: by the methods of `console`, each call
 * as one text, and by `process.stdout.write` and `process.stderr.write`, each line as one text.
 * Code that writes to a descriptor is not seen. Returns a function that ends the capture.
 */
export function capturePrinted(options: CaptureOptions): () => void {
  return new Capture(options).install();
}

/** Writes to a stream as nexthop: the text is not taken for one of the site, also within a call. */
export function writeAsOwn(stream: Writable, text: string, done?: () => void): boolean {
  const write = OWN_WRITES.get(stream);
  return write ? write.call(stream, text, done) : stream.write(text, () => done?.());
}

interface Printed {
  readonly call: SiteCall | undefined;
  readonly target: string;
  readonly level: Level;
  readonly text: string;
}

/** A line that has not ended. */
interface PartialLine extends Printed {
  readonly stream: Writable;
}

class Capture {
  readonly #options: CaptureOptions;
  /** Set while a method of the console runs. */
  #level: Level | undefined;
  #partials: PartialLine[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CaptureOptions) {
    this.#options = options;
  }

  install(): () => void {
    const undo = [
      this.#replaceWrite(process.stdout, 'info'),
      this.#replaceWrite(process.stderr, 'error'),
      ...this.#replaceConsole(),
    ];
    // For `import { log } from 'node:console'`.
    syncBuiltinESMExports();
    return () => {
      this.#flush();
      for (const each of undo) each();
      syncBuiltinESMExports();
    };
  }

  #replaceConsole(): (() => void)[] {
    const owner: object = globalThis.console;
    return Object.entries(owner).flatMap(([name, method]) => {
      if (typeof method !== 'function') return [];
      const level = LEVELS[name] ?? 'info';
      const capture = this;
      const replacement = function (this: unknown, ...given: unknown[]): unknown {
        const before = capture.#level;
        capture.#level = level;
        try {
          return Reflect.apply(method, this, given);
        } finally {
          capture.#level = before;
        }
      };
      Object.defineProperty(replacement, 'name', { value: name });
      Reflect.set(owner, name, replacement);
      return [() => void Reflect.set(owner, name, method)];
    });
  }

  #replaceWrite(stream: NodeJS.WriteStream, level: Level): () => void {
    const own = stream.write as Write; // it has more overloads than one function can have
    OWN_WRITES.set(stream, own);
    const capture = this;
    const replacement: Write = function (this: unknown, ...given): boolean {
      return capture.#take(stream, level, given) || Reflect.apply(own, stream, given);
    };
    stream.write = replacement;
    return () => {
      OWN_WRITES.delete(stream);
      Reflect.deleteProperty(stream, 'write');
    };
  }

  /** Returns whether the write is done. */
  #take(stream: Writable, level: Level, given: readonly unknown[]): boolean {
    const [chunk, encoding] = given;
    const call = currentCall();
    // Lines of nexthop and of Node.
    const caller = call ? undefined : new Caller();
    if (caller && (caller.isByOwn || caller.isByNode)) return false;
    const text = toText(chunk, encoding);
    // Node throws what is wrong.
    if (text === undefined) return false;
    const target = call?.calledCode ?? caller?.locationIn(this.#options.site)?.file ?? '';
    if (this.#level) this.#receive({ call, target, level: this.#level, text: text.replace(/\n$/, '') });
    else this.#takeLines({ call, target, stream, level, text });
    if (this.#options.isPassedOn) return false;
    const done = given.find((each) => typeof each === 'function');
    if (done) process.nextTick(done as () => void); // Node calls it with an error or nothing
    return true;
  }

  #takeLines({ stream, ...printed }: PartialLine): void {
    const before = this.#partials.find((each) => each.call === printed.call && each.stream === stream);
    if (before) this.#partials.splice(this.#partials.indexOf(before), 1);
    const lines = `${before?.text ?? ''}${printed.text}`.split('\n');
    const rest = lines.pop() ?? '';
    for (const text of lines) this.#receive({ ...printed, text });
    if (rest.length >= LONGEST_PARTIAL) this.#receive({ ...printed, text: rest });
    else if (rest !== '') {
      this.#partials.push({ ...printed, stream, text: rest });
      this.#timer ??= setTimeout(() => this.#flush(), PARTIAL_MS).unref();
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const partials = this.#partials;
    this.#partials = [];
    for (const partial of partials) this.#receive(partial);
  }

  #receive({ call, target, level, text }: Printed): void {
    const request = { route: call?.route ?? '', requestId: call?.requestId?.value ?? '' };
    const fields = call?.kept?.get(PRINTED_FIELDS) ?? (call?.jobId !== undefined && { job: call.jobId });
    this.#options.receive({ level, text, target, ...request, ...(fields && { fields }) });
  }
}

/** Undefined for what a stream does not take. */
function toText(chunk: unknown, encoding: unknown): string | undefined {
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString();
  if (typeof chunk !== 'string') return undefined;
  const isText = typeof encoding !== 'string' || /^utf-?8$/i.test(encoding) || !Buffer.isEncoding(encoding);
  return isText ? chunk : Buffer.from(chunk, encoding).toString();
}
