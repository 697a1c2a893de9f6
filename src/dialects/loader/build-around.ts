import { relative } from 'node:path';
import type { BuildOptions, BuildResult, Message } from 'esbuild';
import type { Problem } from '../../contract/problem.ts';
import type { FileFacts } from '../../contract/project.ts';
import { withEsbuild } from './esbuild-service.ts';
import { type ImportRules, importRules } from './import-rules.ts';
import type { InputWatch } from './inputs.ts';
import { KnownExports } from './known-exports.ts';
import { packages } from './packages.ts';
import { providedModules } from './provided-modules.ts';
import { resolverAround } from './resolver.ts';
import { SOURCE_CONSTANTS } from './source-constants.ts';
import { LOADERS, type SourceFiles, sourceFiles } from './source-files.ts';
import type { SourceProblems } from './source-problems.ts';
import { toUsersFile } from './stand-ins.ts';
import { findUnchangedImports, type UnresolvedProblem, unresolvedImports } from './unresolved-imports.ts';

/**
 * esbuild's options for all code of a site: the same as those of the platforms' bundlers, for the
 * Node that runs here.
 */
const OPTIONS = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // Without an explicit list esbuild adds the condition "module", by which it chooses files that
  // Node cannot load.
  conditions: [] as string[],
  // esbuild's default list, and the further extensions that Netlify's builder takes.
  resolveExtensions: ['.tsx', '.ts', '.jsx', '.js', '.mts', '.cts', '.mjs', '.cjs', '.css', '.json'] as string[],
  define: SOURCE_CONSTANTS,
  loader: LOADERS,
  legalComments: 'none',
  logLevel: 'silent',
  metafile: true,
  write: false,
} as const satisfies BuildOptions;

type Built = BuildResult<{ metafile: true; write: false }>;

export interface BuildRequest {
  /** Absolute path of the site. */
  readonly root: string;
  /** Absolute paths. */
  readonly entries: readonly string[];
  /** esbuild's options for a build of some of the entries. */
  readonly toOptions: (entries: readonly string[]) => BuildOptions;
  /** Problems known before this build; the build adds those that it finds. */
  readonly problems: SourceProblems;
  /** Names of packages that may be missing here, because the platform provides them. */
  readonly external?: ReadonlySet<string> | undefined;
  /** Imports of a platform that Node does not know. */
  readonly imports?: ImportRules | undefined;
  /** False if the output is only read to find exports. */
  readonly willRun: boolean;
  /** Records the files that the build depends on. */
  readonly watch?: InputWatch | undefined;
  /** Undefined: every file is read and looked at. */
  readonly fileFacts?: FileFacts | undefined;
}

export interface BuildAnswer extends Pick<SourceFiles, 'isMadeCommonJs'> {
  readonly built: Built;
  /** Problems in files that this build read. */
  readonly problems: readonly Problem[];
  /** Problems in imports, which may resolve later, when the code runs. */
  readonly unresolved: readonly UnresolvedProblem[];
}

/**
 * Builds with esbuild, and replaces each file or import that cannot be compiled by code that throws
 * its problem: only code that needs it fails. Never rejects because of the user's files.
 */
export async function buildAround(request: BuildRequest): Promise<BuildAnswer> {
  return withEsbuild(({ build }) => new Rounds(build, request).run());
}

class Rounds {
  readonly #build: typeof import('esbuild').build;
  readonly #request: BuildRequest;
  readonly #exports: KnownExports;
  /** Undefined once this build has to look at every file. */
  #facts: FileFacts | undefined;

  constructor(build: typeof import('esbuild').build, request: BuildRequest) {
    this.#build = build;
    this.#request = request;
    // Only code for Deno, which has ES modules alone, has rules for its imports.
    this.#exports = new KnownExports(request.root, request.imports !== undefined);
    this.#facts = request.fileFacts;
  }

  /**
   * Repeats the build until no new problem is found. Each repetition adds at least one, so it ends.
   */
  async run(): Promise<BuildAnswer> {
    const { root, entries, problems, willRun } = this.#request;
    for (;;) {
      const outcome = await this.#try(entries);
      if (outcome.state === 'unsure') {
        this.#facts = undefined;
        continue;
      }
      if (outcome.state === 'failed') {
        if (!outcome.isNew) await this.#isolate(outcome.error);
        continue;
      }
      const left = willRun ? findUnchangedImports(root, outcome.answer.built.metafile) : [];
      if (!left.map((each) => problems.addImport(each)).includes(true)) return outcome.answer;
    }
  }

  async #try(entries: readonly string[]): Promise<Outcome> {
    const { root, problems, external = new Set(), watch, willRun, imports } = this.#request;
    const files = sourceFiles({ root, broken: problems.files, fileFacts: this.#facts });
    const unresolved = unresolvedImports({ root, problems, external });
    const resolver = resolverAround(root, problems);
    const plugins = [
      ...(watch ? [watch.plugin] : []),
      ...(imports ? [importRules(root, imports)] : []),
      ...[
        providedModules,
        files.plugin,
        unresolved.plugin,
        packages({ root, resolver, watch, exports: this.#exports, willRun }),
        resolver.plugin,
      ],
    ];
    try {
      const options = { ...this.#request.toOptions(entries), ...resolver.options };
      const define = { ...OPTIONS.define, ...imports?.globals };
      const built = await this.#build({ ...options, ...OPTIONS, define, absWorkingDir: root, plugins });
      if (files.hasSkippedOther(built.metafile)) return { state: 'unsure' };
      const found = [...problems.configs.values(), ...problems.undefinedNames, ...files.brokenSeen()];
      return {
        state: 'built',
        answer: { built, problems: found, unresolved: unresolved.seen(), isMadeCommonJs: files.isMadeCommonJs },
      };
    } catch (error) {
      const messages = messagesOf(error);
      // It may come of a file that this build took as known.
      if (this.#facts) return { state: 'unsure' };
      const isNew = messages
        .map((message) => problems.take(message, { toSource: files.toSource, exports: this.#exports }))
        .includes(true);
      return { state: 'failed', error, isNew };
    }
  }

  /**
   * For an error that names no file of the user: marks the entries that cannot be built alone as
   * broken; if there are none, all entries.
   */
  async #isolate(error: unknown): Promise<void> {
    const { entries, problems } = this.#request;
    const before = problems.size;
    const unbroken = entries.filter((entry) => !problems.files.has(entry));
    for (const entry of unbroken) {
      for (;;) {
        const outcome = await this.#try([entry]);
        if (outcome.state === 'failed' && outcome.isNew) continue;
        if (outcome.state === 'failed') this.#markBroken(entry, outcome.error);
        break;
      }
    }
    if (problems.size > before) return;
    if (unbroken.length === 0) throw error;
    for (const entry of unbroken) this.#markBroken(entry, error);
  }

  #markBroken(entry: string, error: unknown): void {
    const { root, problems } = this.#request;
    const [first] = messagesOf(error);
    const name = first?.location ? toUsersFile(first.location.file) : undefined;
    const location = name === undefined ? '' : ` (${name}:${first?.location?.line})`;
    const message = `cannot be compiled: ${first?.text ?? error}${location}`;
    problems.files.set(entry, { severity: 'error', file: relative(root, entry), message });
  }
}

type Outcome =
  /** Files that are not known were not looked at. */
  | { readonly state: 'unsure' }
  | { readonly state: 'built'; readonly answer: BuildAnswer }
  | { readonly state: 'failed'; readonly error: unknown; readonly isNew: boolean };

function messagesOf(error: unknown): readonly Message[] {
  if (error instanceof Error && 'errors' in error && Array.isArray(error.errors)) return error.errors;
  throw error;
}
