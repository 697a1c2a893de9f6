import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { BuildOptions, OnResolveArgs, Plugin, PluginBuild } from 'esbuild';
import type { SourceProblems } from './source-problems.ts';
import { MADE_COMMON_JS } from './stand-ins.ts';

/** Marks a question to esbuild's own resolver, which comes to the plugins first. */
const ASKED = Symbol('asked');

/** Whether a plugin put the question itself. */
export function isAsked({ pluginData }: OnResolveArgs): boolean {
  return pluginData === ASKED;
}

export interface Resolved {
  /** Absolute, or what Node is to resolve. */
  readonly path: string;
  readonly external: boolean;
  /** esbuild must not be asked again: it would stop at a file that cannot be parsed. */
  readonly isSettled: boolean;
}

export interface Resolver {
  /** What esbuild resolves an import to; undefined if that leads to nothing. */
  resolve(build: PluginBuild, question: OnResolveArgs): Promise<Resolved | undefined>;
  /** What a build needs besides. */
  readonly options: BuildOptions;
  /** Resolves everything near a `package.json` or `tsconfig.json` that cannot be parsed, in esbuild's place. */
  readonly plugin: Plugin;
}

/**
 * Asks esbuild where imports lead. A `package.json` or `tsconfig.json` that it cannot parse is one more error of its answer, which is right as if that
 * file were empty.
 */
export function resolverAround(root: string, problems: SourceProblems): Resolver {
  async function ask(build: PluginBuild, question: OnResolveArgs, kind = question.kind): Promise<Resolved | undefined> {
    const { path, importer, namespace, resolveDir } = question;
    const found = await build.resolve(path, { kind, importer, namespace, resolveDir, pluginData: ASKED });
    const errors = found.errors.filter(
      ({ location }) => !location || !problems.configs.has(resolve(root, location.file)),
    );
    if (errors.length === 0 && found.path !== '') {
      return { path: found.path, external: found.external, isSettled: found.errors.length > 0 };
    }
    // What was an `import` before the file was made CommonJS may lead to a package of ES modules alone.
    return kind === 'require-call' && namespace === MADE_COMMON_JS
      ? ask(build, question, 'import-statement')
      : undefined;
  }

  return {
    resolve: ask,
    options: toOptions(root, problems),
    plugin: {
      name: 'resolver',
      setup(build) {
        // Each question costs time; where everything can be parsed, esbuild needs none.
        if (problems.configs.size === 0) return;
        build.onResolve({ filter: /./ }, async (question) => {
          if (isAsked(question) || !OF_USERS.has(question.namespace)) return undefined;
          const found = await ask(build, question);
          if (!found) return { errors: [{ text: `Could not resolve ${JSON.stringify(question.path)}` }] };
          return found.isSettled && !found.external ? { path: found.path } : undefined;
        });
      },
    },
  };
}

/** What esbuild does not resolve itself, it reads without a tsconfig, unless one is named. */
function toOptions(root: string, { configs }: SourceProblems): BuildOptions {
  const tsconfig = join(root, 'tsconfig.json');
  const broken = [...configs.keys()].map((path) => basename(path));
  // Another file may be what the tsconfig extends.
  const isUsable = broken.length > 0 && broken.every((name) => name === 'package.json');
  return isUsable && existsSync(tsconfig) ? { tsconfig } : {};
}

/** Of importers; '' is for entries. */
const OF_USERS: ReadonlySet<string> = new Set(['', 'file', MADE_COMMON_JS]);
