import { dirname, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
// Not by name: an old Node, which has no getCallSites, must get as far as to say that it is too old.
import util from 'node:util';

/** A place in the source of a site, as its author wrote it. */
export interface CodePlace {
  /** Relative to the site, or absolute outside of it. */
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

type CallSite = ReturnType<typeof util.getCallSites>[number];

interface Frame {
  /** Of the code that runs, which may be compiled; '' for code without a file. */
  readonly path: string;
  /** Undefined only in types: there is one for each. */
  readonly source: CallSite | undefined;
}

/** As many as Node gives. */
const MOST_FRAMES = 200;

/** nexthop itself, as sources or compiled. */
const OWN = dirname(import.meta.dirname) + sep;
const GUARD = import.meta.dirname + sep;
const PACKAGES = `${sep}node_modules${sep}`;

/** The functions that are running just now, nearest first, but for those of `src/process/`. Those that await are not among them. */
export class Caller {
  readonly #frames: readonly Frame[];
  readonly #isFatal: boolean;

  constructor() {
    const running = util.getCallSites(MOST_FRAMES);
    const sources = util.getCallSites(MOST_FRAMES, { sourceMap: true });
    const frames = running.map(({ scriptName }, at) => ({ path: toPath(scriptName), source: sources[at] }));
    this.#frames = frames.filter(({ path }) => !path.startsWith(GUARD));
    // Node calls code from there for an exception that was not caught, e.g. the error handler of a domain. Another exception ends the process.
    this.#isFatal = running.at(-1)?.scriptName === 'node:internal/process/execution';
  }

  /** Nothing but Node's own code runs. */
  get isByNode(): boolean {
    return this.#frames.every(({ path }) => isNodes(path));
  }

  /** The nearest code that is not Node's is nexthop's. */
  get isByOwn(): boolean {
    return this.#frames.find(({ path }) => !isNodes(path))?.path.startsWith(OWN) ?? false;
  }

  /** The nearest code that is neither Node's nor in a package; undefined when there is none. */
  get owner(): string | undefined {
    return this.#frames.find(({ path }) => !isNodes(path) && (path.startsWith(OWN) || !path.includes(PACKAGES)))?.path;
  }

  /** It runs for nexthop: a package that nexthop uses. */
  get isForOwn(): boolean {
    return this.owner?.startsWith(OWN) ?? false;
  }

  /** nexthop called the code, be it by way of other code, and gets what it throws. */
  get isCalledByOwn(): boolean {
    return this.#frames.some(({ path }) => path.startsWith(OWN));
  }

  /** What is thrown here ends the process. */
  get isFatal(): boolean {
    return this.#isFatal;
  }

  /** Where the site's code called; where that is not known, the nearest package. */
  placeIn(site: string): CodePlace | undefined {
    const places = this.#frames.filter(({ path }) => path !== '' && !isNodes(path) && !isOwn(path));
    // Packages may be compiled into one file with the site's own code.
    const sources = places.flatMap(({ source }) => source ?? []);
    const at = sources.find(({ scriptName }) => !scriptName.includes(PACKAGES)) ?? sources[0];
    if (!at) return undefined;
    const path = toPath(at.scriptName);
    const inSite = relative(site, path);
    return { file: inSite.startsWith('..') ? path : inSite, line: at.lineNumber, column: at.columnNumber };
  }
}

/** Whether a path is one of nexthop's own files. */
export function isOwn(path: string): boolean {
  return path.startsWith(OWN);
}

/** Whether a line of a stack is one of the guard's own. */
export function isOfGuard(line: string): boolean {
  return line.includes(GUARD);
}

function isNodes(path: string): boolean {
  return path.startsWith('node:');
}

/** Node names modules by URL, and CommonJS by path. */
function toPath(scriptName: string): string {
  return scriptName.startsWith('file:') ? fileURLToPath(scriptName) : scriptName;
}
