import { hash, randomUUID } from 'node:crypto';
import module from 'node:module';
import { dirname, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Log } from '../../../contract/log.ts';
import type { Project } from '../../../contract/project.ts';
import { SiteCode } from '../../../contract/site-code.ts';
import { loadSite } from '../../loader/site-load.ts';
import { keepErrorPages } from './error-pages.ts';
import { keepPace } from './pace.ts';
import { callPages, importPagesOnce } from './page-calls.ts';
import type { FoundBuild } from './read-build.ts';
import { trustHost } from './trust-host.ts';

/** The same as for functions. */
const LOAD_LIMIT_MS = 10_000;

/** The exports of a build. Callers check each before they use it. */
export type Exports = Readonly<Record<string, unknown>>;

/**
 * Imports a build. `file`: its entry, relative to the site. A reload with the same files and the same variables gets the same modules.
 * Rejects with what the build throws, with Node's error when a package is missing, or when the
 * import takes longer than 10 s.
 */
export async function openBuild(
  { warmCode, env, processEnv, log }: Project,
  found: FoundBuild,
  file: string,
): Promise<Exports> {
  // Code may read variables once, while it loads: other values need another import.
  const key = hash('sha256', JSON.stringify(['astro', found.entry, found.version, Object.entries(env).sort()]));
  const known = warmCode?.find(key);
  if (known) {
    warmCode?.findGood(file);
    return known as Exports; // kept below
  }
  // A new name on each reload: Node keeps modules that failed to load, while the missing package
  // may be there now.
  const name = warmCode?.isFirst === false ? `${found.version}-${randomUUID()}` : found.version;
  const change = (text: string): string =>
    importPagesOnce(callPages(keepErrorPages(keepPace(found.takesHost ? text : trustHost(text)), found.client)));
  const modules = nameModules({ folder: dirname(found.entry), name, change });
  // Keeps a standalone build from listening on its own port. It reads this variable while it loads,
  // and so do builds that are imported later.
  processEnv.ASTRO_NODE_AUTOSTART = 'disabled';
  const code = new SiteCode();
  try {
    const load = () => loadSite(file, () => modules.import(found.entry), code);
    const exports = await inTime(takeOverRejections(log, load));
    warmCode?.keep(key, exports, code);
    warmCode?.keepGood(file, { exports, code, facts: found });
    return exports;
  } catch (error) {
    code.retire();
    throw error;
  }
}

/**
 * Limits the time of an import, so that a build that never finishes loading does not block the rest
 * of the site.
 */
async function inTime<T>(loading: Promise<T>): Promise<T> {
  const early = new AbortController();
  const late = delay(LOAD_LIMIT_MS, undefined, { signal: early.signal }).then(() => {
    throw new Error(`it did not load within ${LOAD_LIMIT_MS / 1000} s; reload the site to try again`);
  });
  // The race handles the timeout; after it, `late` rejects with the abort.
  late.catch(() => undefined);
  try {
    return await Promise.race([loading, late]);
  } finally {
    early.abort();
  }
}

/**
 * Imports a build and removes the `unhandledRejection` listener that it adds to the process. That
 * listener logs nothing for a rejection outside of a page (@astrojs/node 11) or prints it to
 * stdout, and each reload would add one more. If the process has no other listener, as in a program
 * that embeds nexthop, adds one that logs: without any, Node ends the process on a rejection.
 */
async function takeOverRejections<T>(log: Log, importBuild: () => Promise<T>): Promise<T> {
  const before = new Set(process.listeners(EVENT));
  try {
    return await importBuild();
  } finally {
    for (const listener of process.listeners(EVENT)) {
      // Other code may add listeners while the build loads: only those of a build are removed.
      if (!before.has(listener) && String(listener).includes(OF_A_BUILD)) process.off(EVENT, listener);
    }
    if (process.listenerCount(EVENT) === 0) {
      process.on(EVENT, (error) => log.error('a rejection was not handled', { origin: EVENT, error }));
    }
  }
}

const EVENT = 'unhandledRejection';

/** A text in the listener of every version of @astrojs/node. */
const OF_A_BUILD = 'Unhandled rejection while rendering';

/** The modules of one version of a build. */
interface NamedModules {
  /** Imports one by its absolute path; the same path gives the same module. */
  import(path: string): Promise<Readonly<Record<string, unknown>>>;
}

interface NamedParts {
  /** Absolute path. */
  readonly folder: string;
  /** Differs whenever the files differ. */
  readonly name: string;
  /** Gets the text of each module and returns the text that Node runs. */
  readonly change: (text: string) => string;
}

/**
 * Imports the modules below a folder with `name` in the query of their URLs, and of the URLs of all
 * that they import there. Node caches modules by URL for ever, and a new build has many files of
 * the same names.
 */
function nameModules({ folder, name, change }: NamedParts): NamedModules {
  const below = pathToFileURL(folder + sep).href;
  const query = `?nexthop=${name}`;
  // With hooks Node resolves each import anew, with several calls of the file system, and Astro imports its pages for each request.
  const known = new Map<string, module.ResolveFnOutput>();
  // The hooks stay for the life of the process: a build imports a page at its first request.
  module.registerHooks({
    resolve(specifier, context, nextResolve) {
      const { parentURL, conditions, importAttributes } = context;
      if (!parentURL?.endsWith(query)) return nextResolve(specifier, context);
      const key = [specifier, parentURL, importAttributes.type, ...conditions].join('\n');
      let resolved = known.get(key);
      if (!resolved) {
        const { url, ...rest } = nextResolve(specifier, context);
        const isNamed = isBuilt(url, below) && !url.includes('?');
        resolved = { ...rest, url: isNamed ? url + query : url, shortCircuit: true };
        known.set(key, resolved);
      }
      return resolved;
    },
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      // Another folder in this process may have a build with the same code, and then the same query.
      if (!isBuilt(url, below) || !url.endsWith(query) || loaded.format !== 'module' || !loaded.source) return loaded;
      return { ...loaded, source: change(toText(loaded.source)) };
    },
  });
  return { import: (path) => import(pathToFileURL(path).href + query) };
}

/** False for packages in that folder: all versions of the build share them. */
function isBuilt(url: string, below: string): boolean {
  return url.startsWith(below) && !url.includes('/node_modules/');
}

function toText(source: string | ArrayBuffer | NodeJS.TypedArray): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source);
}
