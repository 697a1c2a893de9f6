import { hash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Problem } from '../../contract/problem.ts';
import type { Project } from '../../contract/project.ts';
import { BuildError } from './build-error.ts';
import { findChange } from './inputs.ts';
import type { KeptModule, KeptPiece, Piece } from './piece.ts';
import { importFile, importText } from './place-module.ts';
import { findOtherVersion, readVersions, type Versions } from './versions.ts';

/** What `nexthop build` leaves below DATA_DIR; written by NewBuild. */
export interface Manifest extends Versions {
  /** From the folder of the build to the site, when it was made. */
  readonly toRoot: string;
  readonly pieces: readonly KeptPiece[];
}

/** The folder of a build, below DATA_DIR. */
export const BUILD_FOLDER = 'build';
export const MANIFEST = 'manifest.json';

export type Kept =
  | { readonly state: 'none' }
  /** There is a build, but it must not be used; the problem says why. */
  | { readonly state: 'stale'; readonly problem: Problem }
  | {
      readonly state: 'fresh';
      readonly piece: KeptPiece;
      /** `anew`: with a state of its own, whoever has imported it before. */
      importModule(anew: boolean): Promise<unknown>;
    };

type Question = Pick<Piece, 'kind' | 'files'>;

/** Looks for a piece in the build of the project, and whether it still holds. Never rejects: what is wrong with a build makes it stale. */
export async function findKept(project: Project, question: Question): Promise<Kept> {
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
  const place = relative(root, join(folder, MANIFEST));
  try {
    const manifest = await readManifest(folder);
    if (!manifest) return { state: 'none' };
    const other = findOtherVersion(manifest, readVersions());
    if (other !== undefined) return stale(place, other);
    const piece = manifest.pieces.find((each) => isSame(each, question));
    if (!piece) return stale(...describeOther(manifest.pieces, question));
    const change = findChange(root, piece.inputs);
    if (change) return stale(change.file, `${change.what} since the build`);
    const { module } = piece;
    if (!module) return { state: 'fresh', piece, importModule: noModule };
    const text = await readCode(folder, module);
    const importModule = (anew: boolean) =>
      importKept(project, { folder, toRoot: manifest.toRoot, module, text, anew });
    return { state: 'fresh', piece, importModule };
  } catch (error) {
    return stale(place, `cannot be used (${error instanceof Error ? error.message : error})`);
  }
}

/** Compiles; where that is not possible, the complaint also says why the build did not do. */
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
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  // NewBuild wrote it; whatever else stands there fails where it is used.
  return text === undefined ? undefined : (JSON.parse(text) as Manifest);
}

function isSame(piece: KeptPiece, { kind, files }: Question): boolean {
  return (
    piece.kind === kind && piece.files.length === files.length && files.every((file) => piece.files.includes(file))
  );
}

/** Why nothing in a build answers the question: a file that it does not know, or one that is asked for no more. */
function describeOther(pieces: readonly KeptPiece[], { kind, files }: Question): [file: string, what: string] {
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
  throw new Error('a piece without code was asked for it');
}

interface KeptCode {
  readonly folder: string;
  readonly toRoot: string;
  readonly module: KeptModule;
  readonly text: string;
  readonly anew: boolean;
}

/** From where it is, as long as the site stands where it stood from there; else a copy that knows where. */
async function importKept(project: Project, { folder, toRoot, module, text, anew }: KeptCode): Promise<unknown> {
  const real = await realpath(folder);
  if (relative(real, project.root) === toRoot) return importFile(join(real, module.file), { anew });
  const map = await readFile(join(folder, module.mapFile), 'utf8');
  return importText({ text, map }, project.root, join(project.dataDir, 'functions'));
}
