/// <reference types="node" preserve="true" />
import '../config/require-node.ts';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { readBuild } from '../dialects/astro/hosted/read-build.ts';
import { BUILD_FILE, type StaticHeaders, toBuildFile } from './build-file.ts';
import { type BuildPlugin, buildPlugin, type Externals, SELF_CONTAINED } from './build-plugin.ts';
import { type AstroConfig, type BuildSettings, type SessionConfig, toBuildSettings } from './build-settings.ts';
import { type AdapterOptions, type Options, readOptions } from './options.ts';
import { precompress } from './precompress.ts';

export type { AdapterOptions } from './options.ts';

/** An Astro integration with the hooks that this one uses. */
export interface AstroIntegration {
  readonly name: string;
  readonly hooks: {
    'astro:config:setup'(given: ConfigSetup): void;
    'astro:config:done'(given: ConfigDone): void;
    'astro:build:generated'(given: BuildGenerated): void;
    'astro:build:done'(given: { readonly logger: Logger }): Promise<void>;
  };
}

/**
 * Creates the adapter: `adapter: nexthop({ mode: 'standalone' })` in `astro.config.mjs`, for Astro
 * 5 and later (docs/astro.md). Throws an Error that lists every invalid option.
 */
export default function nexthop(options: AdapterOptions): AstroIntegration {
  return new Integration(readOptions(options));
}

interface Logger {
  info(message: string): void;
}

interface ConfigSetup {
  readonly config: AstroConfig;
  readonly command: 'dev' | 'build' | 'preview' | 'sync';
  readonly logger: Logger;
  updateConfig(changes: object): void;
}

interface ConfigDone {
  readonly config: AstroConfig;
  setAdapter(adapter: object): void;
}

type RouteHeaders = ReadonlyMap<string, { readonly headers: Headers }>;

/** Astro 5 uses the name with `experimental`, later versions the other. */
interface BuildGenerated {
  readonly routeToHeaders?: RouteHeaders;
  readonly experimentalRouteToHeaders?: RouteHeaders;
}

class Integration implements AstroIntegration {
  readonly name = NAME;
  readonly hooks: AstroIntegration['hooks'];
  readonly #options: Options;
  #api: AstroApi = 7;
  #config: AstroConfig | undefined;
  #headers: RouteHeaders = new Map();

  constructor(options: Options) {
    this.#options = options;
    this.hooks = {
      'astro:config:setup': (given) => this.#setUp(given),
      'astro:config:done': (given) => this.#done(given),
      'astro:build:generated': ({ routeToHeaders, experimentalRouteToHeaders }) => {
        this.#headers = routeToHeaders ?? experimentalRouteToHeaders ?? this.#headers;
      },
      'astro:build:done': ({ logger }) => this.#finish(logger),
    };
  }

  #setUp({ config, command, updateConfig }: ConfigSetup): void {
    const { api, hasSessionFlag } = readAstroVersion(config.root);
    this.#api = api;
    const { endpoint } = config.image;
    const bundle = this.#options.bundle && command === 'build';
    const plugin = buildPlugin({ settings: () => this.#settings, entry: ENTRIES[this.#api], bundle });
    updateConfig({
      // Otherwise Astro builds pages with a meta element for redirects, and no client gets a
      // redirect status.
      build: { redirects: false },
      image: {
        endpoint: {
          route: endpoint.route ?? '_image',
          entrypoint: endpoint.entrypoint ?? `astro/assets/endpoint/${command === 'dev' ? 'dev' : 'node'}`,
        },
      },
      ...((!hasSessionFlag || config.experimental?.session) && toSession(api, config.session)),
      vite: toVite(this.#api, command === 'build' ? plugin : undefined, bundle),
    });
  }

  #done({ config, setAdapter }: ConfigDone): void {
    this.#config = config;
    setAdapter(toAdapter(this.#api, this.#options.staticHeaders));
  }

  get #settings(): BuildSettings {
    if (!this.#config) throw new Error('Astro loaded the entry before the hook astro:config:done');
    return toBuildSettings(this.#config, this.#options);
  }

  async #finish(logger: Logger): Promise<void> {
    if (!this.#config) return;
    const { client, server, serverEntry } = this.#config.build;
    const { unmatchedMethods = [] } = (await readBuild(fileURLToPath(new URL(serverEntry, server)))) ?? {};
    const text = toBuildFile({ headers: toStaticHeaders(this.#headers), unmatchedMethods });
    await writeFile(new URL(BUILD_FILE, server), text);
    if (!this.#options.precompress) return;
    const startedAtMs = performance.now();
    const { files, bytes, compressedBytes } = await precompress(fileURLToPath(client));
    const took = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    if (files > 0) logger.info(`compressed ${files} files, ${toKb(bytes)} to ${toKb(compressedBytes)}, in ${took} s`);
  }
}

const NAME = 'nexthop/astro';

/** The modules that Astro uses as entries of builds. */
const ENTRIES = { 5: pathOf('./entry-5.js'), 7: pathOf('./entry-7.js') } as const;

function pathOf(module: string): string {
  return fileURLToPath(new URL(module, import.meta.url));
}

function toAdapter(api: AstroApi, staticHeaders: boolean): object {
  const shared = {
    name: NAME,
    serverEntrypoint: ENTRIES[api],
    previewEntrypoint: pathOf('./preview.js'),
    supportedAstroFeatures: FEATURES,
  };
  if (api === 5) {
    return {
      ...shared,
      exports: ['handler', 'startServer', 'options', 'nexthop'],
      adapterFeatures: { buildOutput: 'server', edgeMiddleware: false, experimentalStaticHeaders: staticHeaders },
    };
  }
  return {
    ...shared,
    entrypointResolution: 'auto',
    adapterFeatures: { buildOutput: 'server', middlewareMode: 'classic', staticHeaders },
  };
}

const FEATURES = {
  hybridOutput: 'stable',
  staticOutput: 'stable',
  serverOutput: 'stable',
  sharpImageService: 'stable',
  i18nDomains: 'experimental',
  envGetSecret: 'stable',
} as const;

/** Sets nexthop's driver for sessions, unless the site sets another driver or `session: false`. */
function toSession(api: AstroApi, session: AstroConfig['session']): { session?: SessionConfig } {
  if (session === false || session?.driver) return {};
  const driver = 'nexthop/session';
  return { session: { ...session, driver: api === 5 ? driver : { entrypoint: driver, config: {} } } };
}

/**
 * Settings for Vite. Since Astro 6 the plugin sets which packages are bundled, for each
 * environment.
 */
function toVite(
  api: AstroApi,
  plugin: BuildPlugin | undefined,
  bundle: boolean,
): { plugins: BuildPlugin[]; ssr?: Externals } {
  return { plugins: plugin ? [plugin] : [], ...(api === 5 && bundle && { ssr: SELF_CONTAINED }) };
}

/** Headers by the path below the base. Astro collects the Content-Security-Policy only. */
function toStaticHeaders(routes: RouteHeaders): StaticHeaders {
  return new Map([...routes].map(([path, { headers }]) => [toOwnPath(path), [...headers]]));
}

/** `/about` for both `/about/` and `about`. */
function toOwnPath(path: string): string {
  return `/${path.replace(/^\/+|\/+$/g, '')}`;
}

function toKb(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} kB`;
}

/** The interface between adapters and Astro: 5 for Astro 5, 7 for Astro 6 and later. */
export type AstroApi = 5 | 7;

export interface AstroVersion {
  readonly api: AstroApi;
  /**
   * True if sessions need the flag `experimental.session`. Without the flag, a session driver makes
   * the build fail.
   */
  readonly hasSessionFlag: boolean;
}

/**
 * Reads the version of a site's Astro. `root`: the site's folder, as a file URL. Throws an Error
 * for a version that is not supported.
 */
export function readAstroVersion(root: URL): AstroVersion {
  const path = createRequire(new URL('astro.config.mjs', root)).resolve('astro/package.json');
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }; // npm requires it
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (!(major >= OLDEST)) throw new Error(`nexthop/astro needs Astro ${OLDEST} or later, got ${version} in ${path}`);
  return { api: major === OLDEST ? 5 : 7, hasSessionFlag: major === OLDEST && minor < 7 };
}

const OLDEST = 5;
