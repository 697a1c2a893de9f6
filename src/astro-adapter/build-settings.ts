import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OwnBuild } from '../dialects/astro/own/own-build.ts';
import type { Options } from './options.ts';

/**
 * Settings that are written into a build. Paths are relative to the folder of the entry, so that
 * the build can be moved.
 */
export interface BuildSettings
  extends Pick<Options, 'mode' | 'streaming' | 'errorPageOrigin' | 'bodyLimitBytes'>,
    Pick<OwnBuild, 'base' | 'trailingSlash' | 'buildFormat' | 'assetsDir'> {
  /** Name of the entry's file. */
  readonly entry: string;
  /** The folder of the site's files. */
  readonly client: string;
  /**
   * The folder that contains the build's output folder: the project, unless the build was moved.
   */
  readonly site: string;
  /** Where the server listens if HOST and PORT are not set. */
  readonly host: string;
  readonly port: number;
}

/** The part of Astro's configuration that the adapter reads, with Astro's defaults in place. */
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
  /** `host`: `false` is localhost, `true` is every address. */
  readonly server: { readonly host: string | boolean; readonly port: number };
  /** `false` (since Astro 7.2): the site has no sessions. */
  readonly session?: SessionConfig | false | undefined;
  /** The flag for sessions in Astro 5.1 to 5.6. */
  readonly experimental?: { readonly session?: boolean };
  readonly image: {
    readonly endpoint: { readonly route?: string | undefined; readonly entrypoint?: string | undefined };
  };
}

export interface SessionConfig {
  readonly driver?: unknown;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Derives the settings of a build from the site's configuration and the adapter's options. */
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

/** The same address as for `astro dev`, which reads the same setting. */
function toHost(host: string | boolean): string {
  if (typeof host === 'string') return host;
  return host ? '' : 'localhost';
}
