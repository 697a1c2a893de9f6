import type { Reading } from '../../../contract/dialect.ts';
import type { MatchablePath } from '../../../contract/path.ts';
import type { PatternSegment } from '../../../contract/pattern.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Route, Step } from '../../../contract/route.ts';
import type { Params, Target } from '../../../contract/target.ts';
import type { Exports } from '../../loader/compile.ts';
import type { Survey } from '../../loader/survey.ts';
import type { FunctionFile } from './find-files.ts';

/** How functions of one kind are called: cloud functions, edge functions, agents. */
export interface FunctionKind {
  readonly step: Step;
  readonly rank?: number;
  /** Their responses may be answered from the cache: they protect nothing. */
  readonly isCached?: true;
  /** They may protect files and other functions: a file that has lost its handler answers 500. */
  readonly mayProtect?: true;
  /** Finds files that have most likely lost their function, among those that are none. */
  findLost?(files: FileLooks): Promise<Pick<Reading, 'routes' | 'problems'>>;
  /** Called before any of the code is loaded, if there are files. */
  beforeLoad?(): void;
  /** What answers for a file. Undefined: it exports no function of this kind. */
  find(file: LoadedFile): FoundFunction | undefined;
  /** The params of a path that a pattern with these segments matches. Default: those of cloud functions. */
  toParams?(segments: readonly PatternSegment[], path: MatchablePath): Params;
  /** Problems in the code of all files. `texts`: by absolute path, with what the files import. */
  findProblems?(texts: ReadonlyMap<string, string>): readonly Problem[];
}

/** What the texts of files show. */
export interface FileLooks {
  readonly entries: readonly FunctionFile[];
  /** Files without a function. */
  readonly helpers: readonly FunctionFile[];
  /** What a file exports, by its absolute path. */
  readonly looks: Survey['looks'];
  /** See `OpenedEntries`. */
  readonly reached: ReadonlySet<string>;
}

/** A file of functions after it has loaded. */
export interface LoadedFile {
  /** Relative to the site. */
  readonly file: string;
  readonly exports: Exports;
  /** Its source; '' if it cannot be read. */
  readonly text: string;
  /** Whether its code, with all imports, may read a property of this name. */
  mayName(name: string): boolean;
  report(problem: Problem): void;
}

/** Handlers answer the path of their file. An app answers every path below its folder. */
export type FoundFunction =
  | { readonly kind: 'handlers'; readonly methods: Route['methods']; readonly target: Target }
  | { readonly kind: 'app'; readonly toTarget: (segments: readonly PatternSegment[]) => Target };
