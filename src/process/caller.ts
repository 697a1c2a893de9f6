import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
// Not `import { getCallSites }`: in an old Node, which lacks it, that would throw before the
// message about the version.
import util from 'node:util';
import { isOwn } from '../contract/stack-frame.ts';

/** A location in the source of a site, before compiling. */
export interface CodeLocation {
  /** Relative to the site, or absolute outside of it. */
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

type CallSite = ReturnType<typeof util.getCallSites>[number];

interface Frame {
  /** The file that runs, which may be compiled; '' for code without a file. */
  readonly path: string;
  /** The call in the source. Never undefined: both lists have the same length. */
  readonly source: CallSite | undefined;
}

/** The largest number that Node accepts. */
const MOST_FRAMES = 200;

const GUARD = import.meta.dirname + sep;
/** It opens its socket after the guard is installed, and so counts as nexthop's own code. */
const CONTROL = join(GUARD, 'control-socket');
/** The bundled undici of Node. */
const FETCH = 'node:internal/deps/undici';
const PACKAGES = `${sep}node_modules${sep}`;

/**
 * The call stack at the time of its creation, innermost function first, without those of
 * `src/process/` that may be on any stack. Contains no functions that await.
 */
export class Caller {
  readonly #frames: readonly Frame[];
  readonly #isFatal: boolean;

  constructor() {
    const running = util.getCallSites(MOST_FRAMES);
    const sources = util.getCallSites(MOST_FRAMES, { sourceMap: true });
    const frames = running.map(({ scriptName }, at) => ({ path: toPath(scriptName), source: sources[at] }));
    this.#frames = frames.filter(({ path }) => !path.startsWith(GUARD) || path.startsWith(CONTROL));
    // The outermost frame is there only while Node handles an uncaught exception, e.g. by the error
    // handler of a domain. Another exception then ends the process.
    this.#isFatal = running.at(-1)?.scriptName === 'node:internal/process/execution';
  }

  /** True if the stack has Node's own code only. */
  get isByNode(): boolean {
    return this.#frames.every(({ path }) => isNodes(path));
  }

  /** True if the innermost code that is not Node's is nexthop's. */
  get isByOwn(): boolean {
    return isOwn(this.#frames.find(({ path }) => !isNodes(path))?.path ?? '');
  }

  /**
   * The file of the innermost code that is neither Node's nor in a package; undefined if there is
   * none.
   */
  get owner(): string | undefined {
    return this.#frames.find(({ path }) => !isNodes(path) && (isOwn(path) || !path.includes(PACKAGES)))?.path;
  }

  /** True for code of nexthop, and of a package that nexthop calls. */
  get isForOwn(): boolean {
    return isOwn(this.owner ?? '');
  }

  /** True if Node's own `fetch` is the innermost code beside that of connections. */
  get isFetch(): boolean {
    const outer = this.#frames.findIndex(({ path }) => !isNodes(path));
    return this.#frames.slice(0, outer < 0 ? undefined : outer).some(({ path }) => path.startsWith(FETCH));
  }

  /** True if nexthop is on the stack, and so gets what the code throws. */
  get isCalledByOwn(): boolean {
    return this.#frames.some(({ path }) => isOwn(path));
  }

  /** True if an exception thrown here would end the process. */
  get isFatal(): boolean {
    return this.#isFatal;
  }

  /**
   * The location of the call in the site's code; if it is not known, that in the innermost package.
   */
  locationIn(site: string): CodeLocation | undefined {
    const locations = this.#frames.filter(({ path }) => path !== '' && !isNodes(path) && !isOwn(path));
    // By the source: the compiled file of the site may contain packages.
    const sources = locations.flatMap(({ source }) => source ?? []);
    const at = sources.find(({ scriptName }) => !scriptName.includes(PACKAGES)) ?? sources[0];
    if (!at) return undefined;
    const path = toPath(at.scriptName);
    const inSite = relative(site, path);
    return { file: inSite.startsWith('..') ? path : inSite, line: at.lineNumber, column: at.columnNumber };
  }
}

/** Whether a line of a stack trace is in `src/process/`. */
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
