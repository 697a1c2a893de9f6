import { hash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isMissingFile } from '../../contract/error-code.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Project } from '../../contract/project.ts';
import { BuildError } from './build-error.ts';
import { findChange } from './inputs.ts';
import type { KeptModule, KeptPiece, Piece } from './piece.ts';
import { evaluate, evaluateText } from './place-module.ts';
import { findOtherVersion, readVersions, type Versions } from './versions.ts';

/** The list of what `nexthop build` wrote below DATA_DIR; NewBuild writes it. */
export interface Manifest extends Versions {
  /** Relative path from the folder of the build to the site, when it was made. */
  readonly toRoot: string;
  readonly pieces: readonly KeptPiece[];
}

/** The folder of a build, below DATA_DIR. */
export const BUILD_FOLDER = 'build';
export const MANIFEST = 'manifest.json';

export type Kept =
  | { readonly state: 'none' }
  /** There is a build, but it is out of date or damaged; the problem says why. */
  | { readonly state: 'stale'; readonly problem: Problem }
  | {
      readonly state: 'fresh';
      readonly piece: KeptPiece;
      /** Its code; '' without. */
      readonly text: string;
      /** Evaluates the module, also again, and resolves with its exports. */
      evaluate(): Promise<unknown>;
    };

type PieceKey = Pick<Piece, 'kind' | 'files'>;

/**
 * Finds a piece in the build of the project and checks that its inputs did not change. Never
 * rejects: a build with an error is stale.
 */
export async function findKept(project: Project, key: PieceKey): Promise<Kept> {
  if (project.ahead) return { state: 'none' };
  const { root } = project;
  const folder = join(project.dataDir, BUILD_FOLDER);
  const stale = (file: string, what: string): Kept => ({
    state: 'stale',
    problem: {
      severity: 'warning',
      file,
      message: `${what}: the build is not used; run \`nexthop build\` again`,
    },
  });
  const location = relative(root, join(folder, MANIFEST));
  try {
    const manifest = await readManifest(folder);
    if (!manifest) return { state: 'none' };
    const other = findOtherVersion(manifest, readVersions());
    if (other !== undefined) return stale(location, other);
    const piece = manifest.pieces.find((each) => hasKey(each, key));
    if (!piece) return stale(...describeMismatch(manifest.pieces, key));
    const change = findChange(root, piece.inputs);
    if (change) return stale(change.file, `${change.what} since the build`);
    const { module } = piece;
    if (!module) return { state: 'fresh', piece, text: '', evaluate: noModule };
    const text = await readCode(folder, module);
    return {
      state: 'fresh',
      piece,
      text,
      evaluate: () => evaluateKept(project, { folder, toRoot: manifest.toRoot, module, text }),
    };
  } catch (error) {
    return stale(location, `cannot be used (${error instanceof Error ? error.message : error})`);
  }
}

/** Compiles; a BuildError then also says why the existing build could not be used. */
export async function explainStale<T>(kept: Kept, compile: () => Promise<T>): Promise<T> {
  try {
    return await compile();
  } catch (error) {
    if (kept.state !== 'stale' || !(error instanceof BuildError)) throw error;
    const { file, message } = kept.problem;
    throw new BuildError(`${error.message}\n  ${file} ${message}`, { cause: error });
  }
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch((error: unknown) => {
    if (isMissingFile(error)) return undefined;
    throw error;
  });
  // NewBuild wrote it. Another content throws where it is used, which makes the build stale.
  return text === undefined ? undefined : (JSON.parse(text) as Manifest);
}

function hasKey(piece: KeptPiece, { kind, files }: PieceKey): boolean {
  return (
    piece.kind === kind && piece.files.length === files.length && files.every((file) => piece.files.includes(file))
  );
}

/** Why no piece of a build has this key: a file is new, or one is no longer a function. */
function describeMismatch(pieces: readonly KeptPiece[], { kind, files }: PieceKey): [file: string, what: string] {
  const known = pieces.filter((piece) => piece.kind === kind).flatMap((piece) => piece.files);
  const added = files.find((file) => !known.includes(file));
  if (added !== undefined) return [added, 'is new since the build'];
  return [known.find((file) => !files.includes(file)) ?? '', 'is no longer a function'];
}

async function readCode(folder: string, { file, hash: before }: KeptModule): Promise<string> {
  const text = await readFile(join(folder, file), 'utf8');
  if (hash('sha256', text, 'hex') !== before) throw new Error(`${file} is damaged`);
  return text;
}

async function noModule(): Promise<never> {
  throw new Error('this piece of the build has no code');
}

interface KeptCode {
  readonly folder: string;
  readonly toRoot: string;
  readonly module: KeptModule;
  readonly text: string;
}

/**
 * Evaluates the file of the build if the site still has the same path relative to it; else a copy
 * with the new path.
 */
async function evaluateKept(project: Project, { folder, toRoot, module, text }: KeptCode): Promise<unknown> {
  const real = await realpath(folder);
  if (relative(real, project.root) === toRoot) return evaluate(text, join(real, module.file));
  const map = await readFile(join(folder, module.mapFile), 'utf8');
  return evaluateText({ text, map }, project.root, join(project.dataDir, 'functions'));
}
