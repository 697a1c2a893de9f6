import type { BuildSettings } from './build-settings.ts';

/** As much of a plugin of Vite as this one is. */
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

/** Which packages become part of a build. */
export interface Externals {
  readonly noExternal: true;
  readonly external: readonly string[];
}

export interface PluginParts {
  /** Asked when the build begins, since only then Astro's configuration is whole. */
  readonly settings: () => BuildSettings;
  /** Absolute path of the module that becomes the server's entry. */
  readonly entry: string;
  readonly bundle: boolean;
}

/**
 * Puts the entry into the build, with what is known when it is built, and leaves nexthop itself outside: it is imported from `node_modules` when the site runs, as its
 * parts would not find each other in a bundle (its store runs on a thread of its own), and as sessions share that store.
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
 * Astro before 5.6 fetches the prerendered page for an error from the host that the client named, which may be any. The class `App` stands in the same module; entry-5.ts
 * gives it another way. Later versions take that way as an option.
 */
const FETCH_OF_ASTRO = 'await fetch(statusURL.toString())';
const FETCH_OF_ENTRY = 'await (App.fetchErrorPage ?? fetch)(statusURL.toString())';

/** sharp is a native library, of which each platform has another. */
export const SELF_CONTAINED: Externals = { noExternal: true, external: ['sharp'] };

/** The environments in which Vite builds what runs on a server. */
const SERVERS: ReadonlySet<string> = new Set(['ssr', 'prerender', 'astro']);

const SETTINGS = 'virtual:nexthop/astro';
const RESOLVED_SETTINGS = `\0${SETTINGS}`;

/** The package's export of server.ts. */
const SERVER = 'nexthop/astro-server';
