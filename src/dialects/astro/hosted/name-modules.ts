import { registerHooks } from 'node:module';
import { sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { keepPace } from './pace.ts';

/** The modules of one state of a build. */
export interface NamedModules {
  /** Imports one by its absolute path; the same path gives the same module. */
  import(path: string): Promise<Readonly<Record<string, unknown>>>;
}

/**
 * Has the modules below a folder imported under a name of their own. Node knows a module by its URL and never forgets one, while a new build keeps the
 * names of many files: so each carries the name in its URL, as do all that it imports. `name` must be the same only for the same files.
 */
export function nameModules(folder: string, name: string): NamedModules {
  const below = pathToFileURL(folder + sep).href;
  const query = `?nexthop=${name}`;
  // For as long as the process lives: pages are imported when they are first asked for.
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      if (!context.parentURL?.endsWith(query)) return resolved;
      return isBuilt(resolved.url, below) && !resolved.url.includes('?')
        ? { ...resolved, url: resolved.url + query }
        : resolved;
    },
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(query) || loaded.format !== 'module' || !loaded.source) return loaded;
      return { ...loaded, source: keepPace(toText(loaded.source)) };
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
