import { relative, resolve } from 'node:path';
import type { BuildOptions, BuildResult, Message } from 'esbuild';
import type { Problem } from '../../contract/problem.ts';
import { BuildError } from './build-error.ts';
import type { InputWatch } from './inputs.ts';
import { packages } from './packages.ts';
import { type Rewrite, SOURCE_CONSTANTS, sourceFiles } from './source-files.ts';

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
  readonly options: BuildOptions;
  /** Files that esbuild cannot take, by absolute path. What is found is added, so that the next build need not find it again. */
  readonly broken: Map<string, Problem>;
  readonly rewrite?: Rewrite;
  /** Whether the result is to be run, or only looked at. */
  readonly willRun: boolean;
  /** Tells what the build depends on. */
  readonly watch?: InputWatch | undefined;
}

export interface BuildAnswer {
  readonly built: Built;
  /** Those of the broken files that this build came across. */
  readonly problems: readonly Problem[];
}

/**
 * Builds with esbuild, around the files that it cannot take: in the place of each stands a module that throws what is wrong with it,
 * so that only whoever imports it fails. Throws only for errors that belong to no file.
 */
export async function buildAround(request: BuildRequest): Promise<BuildAnswer> {
  return withEsbuild(({ build }) => buildWith(build, request));
}

async function buildWith(build: typeof import('esbuild').build, request: BuildRequest): Promise<BuildAnswer> {
  const { root, options, broken, rewrite, watch, willRun } = request;
  for (;;) {
    const files = sourceFiles({ root, broken, rewrite });
    try {
      const plugins = [...(watch ? [watch.plugin] : []), files.plugin, packages({ root, watch, willRun })];
      const built = await build({ ...options, ...OPTIONS, absWorkingDir: root, plugins });
      return { built, problems: files.brokenSeen() };
    } catch (error) {
      // Each round takes at least one more file out, so there is an end to it.
      const before = broken.size;
      for (const message of messagesOf(error)) markBroken({ root, broken, message, shift: files.shiftOf });
      if (broken.size === before) throw error;
    }
  }
}

function messagesOf(error: unknown): readonly Message[] {
  if (error instanceof Error && 'errors' in error && Array.isArray(error.errors)) return error.errors;
  throw error;
}

interface Finding {
  readonly root: string;
  readonly broken: Map<string, Problem>;
  readonly message: Message;
  readonly shift: (file: string) => number;
}

function markBroken({ root, broken, message, shift }: Finding): void {
  const { location, text } = message;
  if (!location) return;
  const file = resolve(root, location.file);
  // The first error is the one to mend; what follows is often its echo.
  if (broken.has(file)) return;
  const column = location.line === 1 ? location.column - shift(file) : location.column;
  broken.set(file, {
    severity: 'error',
    file: relative(root, file),
    line: location.line,
    column: column + 1,
    message: text,
  });
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
