import { hash, randomUUID } from 'node:crypto';
import module from 'node:module';
import { dirname, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Log } from '../../../contract/log.ts';
import type { Project } from '../../../contract/project.ts';
import { loadSite } from '../../loader/site-load.ts';
import { keepErrorPages } from './error-pages.ts';
import { keepPace } from './pace.ts';
import type { FoundBuild } from './read-build.ts';
import { trustHost } from './trust-host.ts';

/** As long as functions have. */
const LOAD_LIMIT_MS = 10_000;

/** What a build exports; whatever it is, it is looked at before it is used. */
export type Exports = Readonly<Record<string, unknown>>;

/**
 * Imports a build once: another reading of the same one, with the same variables, finds the very same modules. Rejects with what the build throws, or
 * with Node's error when a package is missing, or when it takes longer than 10 s.
 */
export async function openBuild({ warmCode, env, processEnv, log }: Project, found: FoundBuild): Promise<Exports> {
  // Code may read its variables once, while it loads; with others it is not the same any more.
  const key = hash('sha256', JSON.stringify(['astro', found.entry, found.version, Object.entries(env).sort()]));
  const known = warmCode?.find(key);
  if (known) return known as Exports; // kept below
  // What failed once would be found half done, and what it lacked may be there the next time.
  const name = warmCode?.isFirst === false ? `${found.version}-${randomUUID()}` : found.version;
  const change = (text: string): string =>
    keepErrorPages(keepPace(found.takesHost ? text : trustHost(text)), found.client);
  const modules = nameModules({ folder: dirname(found.entry), name, change });
  // A build for standalone use would listen on a port of its own. It is asked while it loads, and with it those that are imported later.
  processEnv.ASTRO_NODE_AUTOSTART = 'disabled';
  const exports = await inTime(takeOverRejections(log, () => loadSite(() => modules.import(found.entry))));
  warmCode?.keep(key, exports);
  return exports;
}

/** Something that does not answer must not keep the rest of the site away. */
async function inTime<T>(loading: Promise<T>): Promise<T> {
  const early = new AbortController();
  const late = delay(LOAD_LIMIT_MS, undefined, { signal: early.signal }).then(() => {
    throw new Error(`it has not loaded within ${LOAD_LIMIT_MS / 1000} s; have the site read again when it can`);
  });
  // Whoever comes second is not awaited.
  late.catch(() => undefined);
  try {
    return await Promise.race([loading, late]);
  } finally {
    early.abort();
  }
}

/**
 * Imports a build and takes off the listener for rejections that it adds to the process: that one keeps the process alive, but says nothing of what happens outside of
 * a page (@astrojs/node 11), or says it to stdout, and would be one more with each reload. Where nobody else listens, as in a program that has nexthop
 * inside, one of ours does from then on, so that the process lives as it would with the build's own.
 */
async function takeOverRejections<T>(log: Log, importBuild: () => Promise<T>): Promise<T> {
  const before = new Set(process.listeners(EVENT));
  try {
    return await importBuild();
  } finally {
    for (const listener of process.listeners(EVENT)) {
      // Others may begin to listen while the build loads.
      if (!before.has(listener) && String(listener).includes(OF_A_BUILD)) process.off(EVENT, listener);
    }
    if (process.listenerCount(EVENT) === 0) {
      process.on(EVENT, (error) => log.error('a rejection was not handled', { origin: EVENT, error }));
    }
  }
}

const EVENT = 'unhandledRejection';

/** Stands in the listener of every version of @astrojs/node. */
const OF_A_BUILD = 'Unhandled rejection while rendering';

/** The modules of one state of a build. */
interface NamedModules {
  /** Imports one by its absolute path; the same path gives the same module. */
  import(path: string): Promise<Readonly<Record<string, unknown>>>;
}

interface NamedParts {
  /** Absolute path. */
  readonly folder: string;
  /** The same only for the same files. */
  readonly name: string;
  /** Gets the text of each module and returns the text that is run. */
  readonly change: (text: string) => string;
}

/**
 * Has the modules below a folder imported under a name of their own. Node knows a module by its URL and never forgets one, while a new build keeps the
 * names of many files: so each carries the name in its URL, as do all that it imports.
 */
function nameModules({ folder, name, change }: NamedParts): NamedModules {
  const below = pathToFileURL(folder + sep).href;
  const query = `?nexthop=${name}`;
  // For as long as the process lives: pages are imported when they are first asked for.
  module.registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      if (!context.parentURL?.endsWith(query)) return resolved;
      return isBuilt(resolved.url, below) && !resolved.url.includes('?')
        ? { ...resolved, url: resolved.url + query }
        : resolved;
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

/** Packages that stand there are shared by all states of the build. */
function isBuilt(url: string, below: string): boolean {
  return url.startsWith(below) && !url.includes('/node_modules/');
}

function toText(source: string | ArrayBuffer | NodeJS.TypedArray): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source);
}
