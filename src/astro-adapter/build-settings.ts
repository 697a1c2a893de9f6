import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OwnBuild } from '../dialects/astro/own/own-build.ts';
import type { Options } from './options.ts';

/** What is known when a site is built and becomes part of the build. Paths are relative to the folder of the entry, so that the build can be moved. */
export interface BuildSettings
  extends Pick<Options, 'mode' | 'streaming' | 'errorPageOrigin' | 'bodyLimitBytes'>,
    Pick<OwnBuild, 'base' | 'trailingSlash' | 'buildFormat' | 'assetsDir'> {
  /** Name of the entry's file. */
  readonly entry: string;
  /** The folder of the site's files. */
  readonly client: string;
  /** The folder in which the build stands: that of the project, where the build has not been moved. */
  readonly site: string;
  /** Where the server listens unless HOST and PORT say otherwise. */
  readonly host: string;
  readonly port: number;
}

/** As much of Astro's configuration as concerns an adapter, in the form it has after Astro's defaults. */
export interface AstroConfig {
  readonly root: URL;
  readonly outDir: URL;
  readonly base: string;
  readonly trailingSlash: OwnBuild['trailingSlash'];
  readonly build: {
    readonly client: URL;
    readonly server: URL;
    readonly serverEntry: string;
    readonly assets: string;
    readonly format: OwnBuild['buildFormat'];
  };
  /** `false`: this machine alone; `true`: every address. */
  readonly server: { readonly host: string | boolean; readonly port: number };
  /** `false` since Astro 7.2: the site has none. */
  readonly session?: SessionConfig | false | undefined;
  /** The flag of Astro 5.1 to 5.6. */
  readonly experimental?: { readonly session?: boolean };
  readonly image: {
    readonly endpoint: { readonly route?: string | undefined; readonly entrypoint?: string | undefined };
  };
}

export interface SessionConfig {
  readonly driver?: unknown;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** The settings of a build, out of what the author of the site configured. */
export function toBuildSettings(config: AstroConfig, options: Options): BuildSettings {
  const { mode, streaming, errorPageOrigin, bodyLimitBytes } = options;
  const { build, server } = config;
  return {
    mode,
    streaming,
    errorPageOrigin,
    bodyLimitBytes,
    base: toBase(config.base),
    trailingSlash: config.trailingSlash,
    buildFormat: build.format,
    assetsDir: withoutSlashes(build.assets),
    entry: build.serverEntry,
    client: toRelative(build.server, build.client),
    site: toRelative(build.server, new URL('..', config.outDir)),
    host: toHost(server.host),
    port: server.port,
  };
}

function toBase(base: string): string {
  const path = withoutSlashes(decodeURI(base));
  return path === '' ? '' : `/${path}`;
}

function withoutSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}

function toRelative(from: URL, to: URL): string {
  return relative(fileURLToPath(from), fileURLToPath(to)).split(sep).join('/') || '.';
}

/** As `astro dev` listens, which is what people expect who read their configuration. */
function toHost(host: string | boolean): string {
  if (typeof host === 'string') return host;
  return host ? '' : 'localhost';
}
