import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { BuildOptions, OnResolveArgs, Plugin, PluginBuild } from 'esbuild';
import type { SourceProblems } from './source-problems.ts';
import { MADE_COMMON_JS } from './stand-ins.ts';

/** Marks calls of `build.resolve` by plugins: esbuild passes them to the plugins, too. */
const OWN_CALL = Symbol('own call');

/** Whether a plugin itself made this call. */
export function isOwnCall({ pluginData }: OnResolveArgs): boolean {
  return pluginData === OWN_CALL;
}

export interface Resolved {
  /** Absolute, or the specifier that Node must resolve. */
  readonly path: string;
  readonly external: boolean;
  /**
   * True if esbuild must not resolve it again: it would fail because of a file that cannot be
   * parsed.
   */
  readonly isSettled: boolean;
}

export interface Resolver {
  /** Resolves an import with esbuild; undefined if it cannot be resolved. */
  resolve(build: PluginBuild, args: OnResolveArgs): Promise<Resolved | undefined>;
  /** Options that the build needs. */
  readonly options: BuildOptions;
  /**
   * Resolves imports instead of esbuild if a `package.json` or `tsconfig.json` cannot be parsed.
   */
  readonly plugin: Plugin;
}

/**
 * Resolves imports with esbuild, also beside a `package.json` or `tsconfig.json` that cannot be
 * parsed. For these esbuild reports an error, but still returns the result that it finds as if the
 * file were empty.
 */
export function resolverAround(root: string, problems: SourceProblems): Resolver {
  async function find(build: PluginBuild, args: OnResolveArgs, kind = args.kind): Promise<Resolved | undefined> {
    const { path, importer, namespace, resolveDir } = args;
    const found = await build.resolve(path, { kind, importer, namespace, resolveDir, pluginData: OWN_CALL });
    const errors = found.errors.filter(
      ({ location }) => !location || !problems.configs.has(resolve(root, location.file)),
    );
    if (errors.length === 0 && found.path !== '') {
      return { path: found.path, external: found.external, isSettled: found.errors.length > 0 };
    }
    // In a file that was converted to CommonJS, a `require` may have been an `import` of an ES
    // module.
    return kind === 'require-call' && namespace === MADE_COMMON_JS ? find(build, args, 'import-statement') : undefined;
  }

  return {
    resolve: find,
    options: toOptions(root, problems),
    plugin: {
      name: 'resolver',
      setup(build) {
        // A hook costs time for each import, and is not needed if all these files can be parsed.
        if (problems.configs.size === 0) return;
        build.onResolve({ filter: /./ }, async (args) => {
          if (isOwnCall(args) || !OF_USERS.has(args.namespace)) return undefined;
          const found = await find(build, args);
          if (!found) return { errors: [{ text: `Could not resolve ${JSON.stringify(args.path)}` }] };
          return found.isSettled && !found.external ? { path: found.path } : undefined;
        });
      },
    },
  };
}

/** esbuild applies no tsconfig to files that a plugin resolved, unless an option names it. */
function toOptions(root: string, { configs }: SourceProblems): BuildOptions {
  const tsconfig = join(root, 'tsconfig.json');
  const broken = [...configs.keys()].map((path) => basename(path));
  // A broken file of another name may be one that the tsconfig extends.
  const isUsable = broken.length > 0 && broken.every((name) => name === 'package.json');
  return isUsable && existsSync(tsconfig) ? { tsconfig } : {};
}

/** Namespaces of importers with the user's code; '' for entries. */
const OF_USERS: ReadonlySet<string> = new Set(['', 'file', MADE_COMMON_JS]);
