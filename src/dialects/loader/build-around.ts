import { relative } from 'node:path';
import type { BuildOptions, BuildResult, Message } from 'esbuild';
import type { Problem } from '../../contract/problem.ts';
import { BuildError } from './build-error.ts';
import type { InputWatch } from './inputs.ts';
import { findLeft, type LostProblem, lostImports } from './lost-imports.ts';
import { packages } from './packages.ts';
import { resolverAround } from './resolver.ts';
import { SOURCE_CONSTANTS } from './source-constants.ts';
import { type SourceFiles, sourceFiles } from './source-files.ts';
import type { SourceProblems } from './source-problems.ts';
import { toUsersFile } from './stand-ins.ts';

/** How every file of a user is read: as the bundlers of the platforms do, for the Node that runs here. */
const OPTIONS = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // Without an explicit list esbuild adds the condition "module", which hands out files that Node cannot load.
  conditions: [] as string[],
  // esbuild's own list, and the extensions that Netlify's builder takes as well.
  resolveExtensions: ['.tsx', '.ts', '.jsx', '.js', '.mts', '.cts', '.mjs', '.cjs', '.css', '.json'] as string[],
  define: SOURCE_CONSTANTS,
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
  /** esbuild's options for a build of some of them. */
  readonly toOptions: (entries: readonly string[]) => BuildOptions;
  /** What is found wrong is added, so that the next build need not find it again. */
  readonly problems: SourceProblems;
  /** Names of packages that are brought along elsewhere. */
  readonly external?: ReadonlySet<string> | undefined;
  /** Whether the result is to be run, or only looked at. */
  readonly willRun: boolean;
  /** Told what the build depends on. */
  readonly watch?: InputWatch | undefined;
}

export interface BuildAnswer extends Pick<SourceFiles, 'isMadeCommonJs'> {
  readonly built: Built;
  /** What this build came across in files … */
  readonly problems: readonly Problem[];
  /** … and in imports, which may lead somewhere by the time when they are needed. */
  readonly lost: readonly LostProblem[];
}

/**
 * Builds with esbuild, around what it cannot take: in the place of each such file or import stands what throws its problem, so that only what needs it fails.
 * Rejects for nothing that stands in the user's files.
 */
export async function buildAround(request: BuildRequest): Promise<BuildAnswer> {
  return withEsbuild(({ build }) => new Rounds(build, request).run());
}

class Rounds {
  readonly #build: typeof import('esbuild').build;
  readonly #request: BuildRequest;

  constructor(build: typeof import('esbuild').build, request: BuildRequest) {
    this.#build = build;
    this.#request = request;
  }

  /** Each round finds something more, so that there is an end to it. */
  async run(): Promise<BuildAnswer> {
    const { root, entries, problems, willRun } = this.#request;
    for (;;) {
      const outcome = await this.#try(entries);
      if (outcome.state === 'failed') {
        if (!outcome.isNew) await this.#isolate(outcome.error);
        continue;
      }
      const left = willRun ? findLeft(root, outcome.answer.built.metafile) : [];
      if (!left.map((each) => problems.addImport(each)).includes(true)) return outcome.answer;
    }
  }

  async #try(entries: readonly string[]): Promise<Outcome> {
    const { root, problems, external = new Set(), watch, willRun } = this.#request;
    const files = sourceFiles({ root, broken: problems.files });
    const lost = lostImports({ root, problems, external });
    const resolver = resolverAround(root, problems);
    const plugins = [
      ...(watch ? [watch.plugin] : []),
      ...[files.plugin, lost.plugin, packages({ root, resolver, watch, willRun }), resolver.plugin],
    ];
    try {
      const options = { ...this.#request.toOptions(entries), ...resolver.options };
      const built = await this.#build({ ...options, ...OPTIONS, absWorkingDir: root, plugins });
      const found = [...problems.configs.values(), ...files.brokenSeen()];
      return {
        state: 'built',
        answer: { built, problems: found, lost: lost.seen(), isMadeCommonJs: files.isMadeCommonJs },
      };
    } catch (error) {
      const isNew = messagesOf(error)
        .map((message) => problems.take(message, files.toSource))
        .includes(true);
      return { state: 'failed', error, isNew };
    }
  }

  /** For an error that names no file of the user's: takes out the entries that cannot be built even alone, or all. */
  async #isolate(error: unknown): Promise<void> {
    const { entries, problems } = this.#request;
    const before = problems.size;
    const open = entries.filter((entry) => !problems.files.has(entry));
    for (const entry of open) {
      for (;;) {
        const outcome = await this.#try([entry]);
        if (outcome.state === 'built') break;
        if (outcome.isNew) continue;
        this.#takeOut(entry, outcome.error);
        break;
      }
    }
    if (problems.size > before) return;
    if (open.length === 0) throw error;
    for (const entry of open) this.#takeOut(entry, error);
  }

  #takeOut(entry: string, error: unknown): void {
    const { root, problems } = this.#request;
    const [first] = messagesOf(error);
    const name = first?.location ? toUsersFile(first.location.file) : undefined;
    const place = name === undefined ? '' : ` (${name}:${first?.location?.line})`;
    const message = `cannot be compiled: ${first?.text ?? error}${place}`;
    problems.files.set(entry, { severity: 'error', file: relative(root, entry), message });
  }
}

type Outcome =
  | { readonly state: 'built'; readonly answer: BuildAnswer }
  | { readonly state: 'failed'; readonly error: unknown; readonly isNew: boolean };

function messagesOf(error: unknown): readonly Message[] {
  if (error instanceof Error && 'errors' in error && Array.isArray(error.errors)) return error.errors;
  throw error;
}

type Esbuild = typeof import('esbuild');

/**
 * Who uses esbuild just now. esbuild itself has one service process for the whole of ours, and a build under way when that is stopped
 * never ends; so its users are counted where it is, for the whole process.
 */
const USERS = new Set<symbol>();

/**
 * Lends esbuild, which is imported only then, and stops its service process when nobody uses it any more: it would stay for the life of the
 * server, and starting it again costs about 10 ms. Rejects with what `use` rejects with, or with a BuildError when esbuild is not installed.
 */
export async function withEsbuild<T>(use: (esbuild: Esbuild) => Promise<T>): Promise<T> {
  const esbuild = await importEsbuild();
  const user = Symbol('user');
  USERS.add(user);
  try {
    return await use(esbuild);
  } finally {
    USERS.delete(user);
    // Nothing may be awaited between the look and the stop, or somebody new would lose the service.
    if (USERS.size === 0) await esbuild.stop();
  }
}

/** Not at the top of a file: a server with a fresh build works without it. */
async function importEsbuild(): Promise<Esbuild> {
  try {
    return await import('esbuild');
  } catch (cause) {
    const remedy = 'install it, or run `nexthop build` where it is and bring DATA_DIR along';
    throw new BuildError(`functions cannot be compiled without esbuild, which does not load: ${remedy}`, { cause });
  }
}
