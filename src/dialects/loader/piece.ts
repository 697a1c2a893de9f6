import type { Problem } from '../../contract/problem.ts';
import type { Inputs } from './inputs.ts';
import type { LostProblem } from './lost-imports.ts';
import type { ModuleText } from './place-module.ts';

/** Something compiled, with what it depends on. A build is made of them. Paths are relative to the site. */
export interface Piece {
  /** A look at what files export, or their code. */
  readonly kind: 'survey' | 'functions';
  /** The files that were asked for. Kind and files together are the question, by which a piece is found again. */
  readonly files: readonly string[];
  readonly inputs: Inputs;
  /** The survey's findings, as JSON takes them. */
  readonly answer?: unknown;
  /** What its author should know of its files, though they work … */
  readonly problems?: readonly Problem[];
  /** … and of its imports, if they still lead nowhere. */
  readonly lost?: readonly LostProblem[];
  /** The code. */
  readonly module?: ModuleText;
}

/** A piece in the manifest. */
export type KeptPiece = Omit<Piece, 'module'> & { readonly module?: KeptModule };

/** Where code is kept: names of files in the folder of the build. */
export interface KeptModule {
  readonly file: string;
  readonly mapFile: string;
  /** Of the text of the file. */
  readonly hash: string;
}
