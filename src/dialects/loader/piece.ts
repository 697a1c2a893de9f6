import type { Problem } from '../../contract/problem.ts';
import type { Inputs } from './inputs.ts';
import type { ModuleText } from './place-module.ts';
import type { UnresolvedProblem } from './unresolved-imports.ts';

/**
 * A part of a build: a result with the files that it depends on. Paths are relative to the site.
 */
export interface Piece {
  /** 'survey': the exports of files. 'functions': their code. */
  readonly kind: 'survey' | 'functions';
  /** The requested files. Kind and files together are the key of a piece. */
  readonly files: readonly string[];
  readonly inputs: Inputs;
  /** The survey's result, as JSON. */
  readonly answer?: unknown;
  /** Warnings about the files. */
  readonly problems?: readonly Problem[];
  /** Warnings about imports; valid only while they still cannot be resolved. */
  readonly unresolved?: readonly UnresolvedProblem[];
  /** The code. */
  readonly module?: ModuleText;
}

/** A piece in the manifest. */
export type KeptPiece = Omit<Piece, 'module'> & { readonly module?: KeptModule };

/** Names of the code's files in the folder of the build. */
export interface KeptModule {
  readonly file: string;
  readonly mapFile: string;
  /** Hash of the text of `file`. */
  readonly hash: string;
}
