import type { BuildSettings } from './build-settings.ts';

/** The hooks of a Vite plugin that this one has. */
export interface BuildPlugin {
  readonly name: string;
  readonly enforce: 'pre';
  resolveId(
    id: string,
    importer: string | undefined,
    options: { readonly ssr?: boolean | undefined },
  ): string | { readonly id: string; readonly external: true } | undefined;
  load(id: string): string | undefined;
  transform(code: string): string | undefined;
  configEnvironment(name: string): { readonly resolve: Externals } | undefined;
}

/** Which packages Vite bundles into a build. */
export interface Externals {
  readonly noExternal: true;
  readonly external: readonly string[];
}

export interface PluginParts {
  /** Called when the build begins: Astro's configuration is complete only then. */
  readonly settings: () => BuildSettings;
  /** Absolute path of the module that becomes the server's entry. */
  readonly entry: string;
  readonly bundle: boolean;
}

/**
 * Adds the entry and the build's settings to the build, and keeps nexthop itself out of it. The
 * build imports nexthop from `node_modules` when it runs: bundled, nexthop could not load the code
 * of its store's thread, and sessions could not share that store.
 */
export function buildPlugin({ settings, entry, bundle }: PluginParts): BuildPlugin {
  return {
    name: 'nexthop:astro',
    enforce: 'pre',
    resolveId(id, importer, { ssr }) {
      if (id === SETTINGS) return RESOLVED_SETTINGS;
      if (!ssr) return undefined;
      if (id === './server.js' && importer === entry) return { id: SERVER, external: true };
      return id.startsWith('nexthop/') ? { id, external: true } : undefined;
    },
    load: (id) => (id === RESOLVED_SETTINGS ? `export default ${JSON.stringify(settings())};` : undefined),
    transform: (code) => (code.includes(FETCH_OF_ASTRO) ? code.replaceAll(FETCH_OF_ASTRO, FETCH_OF_ENTRY) : undefined),
    configEnvironment: (name) => (bundle && SERVERS.has(name) ? { resolve: SELF_CONTAINED } : undefined),
  };
}

/**
 * Astro before 5.6 fetches a prerendered error page from the host that the client named
 * (CVE-2026-25545). This replaces the call by a function that entry-5.ts sets on the class `App` of
 * the same module. Later versions take such a function as an option.
 */
const FETCH_OF_ASTRO = 'await fetch(statusURL.toString())';
const FETCH_OF_ENTRY = 'await (App.fetchErrorPage ?? fetch)(statusURL.toString())';

/** Bundles every package except sharp, a native library that differs by platform. */
export const SELF_CONTAINED: Externals = { noExternal: true, external: ['sharp'] };

/** Vite's environments for code that runs on a server. */
const SERVERS: ReadonlySet<string> = new Set(['ssr', 'prerender', 'astro']);

const SETTINGS = 'virtual:nexthop/astro';
const RESOLVED_SETTINGS = `\0${SETTINGS}`;

/** nexthop's export with server.ts. */
const SERVER = 'nexthop/astro-server';
