import type { Config } from '../config/config.ts';
import type { Dialect } from '../contract/dialect.ts';
import type { Log } from '../contract/log.ts';
import { mergeProblems, type Problem, toLocation } from '../contract/problem.ts';
import { guardProcess } from '../process/process-guard.ts';
import { openProject } from '../site/project.ts';
import { checkSectionContract } from '../site/section-contract.ts';
import { openSite } from '../site/site.ts';
import { align } from './align.ts';
import { checkTypes } from './check-types.ts';
import { defineCommand } from './command.ts';
import { enterSite } from './enter-site.ts';
import { NoteLog } from './note-log.ts';

export const command = defineCommand({
  forms: ['check [SITE]'],
  about:
    "Checks the site: its functions load, its rules and settings are known, its routes do not hide each other, the project fulfils Section's contract, and its types are right if it has a tsconfig.json and typescript. Prints nothing if all is well.",
  flags: {
    json: { about: 'print one JSON object' },
    strict: { about: 'exit with 1 for warnings, too' },
  },
  examples: [
    ['nexthop check', 'checks this folder'],
    ['nexthop check my-site --strict', 'for a pipeline that accepts no warning'],
  ],
  exits: { 0: 'no errors', 1: 'an error, with --strict also a warning, or the site cannot be read' },
  run: ({ config, out, flags }) => {
    enterSite(config);
    return check(config, out, { ...flags, beforeSite: (log) => guardProcess({ log, site: config.site }) });
  },
});

export interface CheckOptions {
  readonly json?: boolean;
  /** Warnings count as errors. */
  readonly strict?: boolean;
  readonly dialects?: readonly Dialect[];
  /** Called with the log before any code of the site is loaded. */
  readonly beforeSite?: (log: Log) => void;
}

/**
 * Prints what is wrong with the site, sorted by file, and nothing if all is well. Resolves with the
 * exit code. Rejects with a SiteError if the site cannot be read.
 */
export async function check(
  config: Config,
  out: (line: string) => void,
  { json = false, strict = false, dialects, beforeSite }: CheckOptions = {},
): Promise<number> {
  const notes: string[] = [];
  const log = new NoteLog(notes);
  beforeSite?.(log);
  const site = await openSite(await openProject(config, log), dialects);
  const code = new Set([...site.routes, ...site.jobRules].map(({ file }) => file));
  const [ofProject, ofTypes] = await Promise.all([
    checkSectionContract(config.site, code),
    checkTypes(config.site, site.problems),
  ]);
  const problems = mergeProblems([...site.problems, ...ofProject, ...ofTypes]).toSorted(byPlace);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const isGood = errors === 0 && !(strict && problems.length > 0);
  const lines = json
    ? [JSON.stringify({ site: config.site, good: isGood, problems, notes }, undefined, 2)]
    : toLines(config.site, problems, notes);
  for (const line of lines) out(line);
  return isGood ? 0 : 1;
}

function toLines(root: string, problems: readonly Problem[], notes: readonly string[]): readonly string[] {
  const rows = problems.map((problem) => [problem.severity, `${toLocation(problem)}`, problem.message]);
  const noted = notes.map((note) => ['note', '', note]);
  if (rows.length + noted.length === 0) return [];
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const counts = [count(errors, 'error'), count(problems.length - errors, 'warning')].filter(Boolean).join(', ');
  return [`${root}: ${counts || 'notes'}`, ...align([...rows, ...noted])];
}

function count(number: number, word: string): string {
  if (number === 0) return '';
  return number === 1 ? `1 ${word}` : `${number} ${word}s`;
}

function byPlace(left: Problem, right: Problem): number {
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0);
}
