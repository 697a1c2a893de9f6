import type { Config } from '../config/config.ts';
import type { Dialect } from '../contract/dialect.ts';
import { mergeProblems, type Problem, toLocation } from '../contract/problem.ts';
import { NewBuild } from '../dialects/loader/new-build.ts';
import { DIALECTS } from '../site/dialects.ts';
import { requireFolder } from '../site/folder.ts';
import { openProject } from '../site/project.ts';
import { defineCommand } from './command.ts';
import { NoteLog } from './note-log.ts';

export const command = defineCommand({
  forms: ['build [SITE]'],
  about:
    'Compiles the functions of the site ahead and keeps the result in DATA_DIR, so that a start need not compile. No code of the site is run.',
  flags: { json: { about: 'print one JSON object' } },
  examples: [
    ['nexthop build', 'compiles the functions of this folder'],
    ['nexthop build my-site --data-dir=/srv/data', 'keeps the result in /srv/data'],
  ],
  exits: { 0: 'all functions are compiled', 1: 'one does not compile; the previous build is kept' },
  run: ({ config, out, flags }) => build(config, out, flags),
});

export interface BuildOptions {
  /** Prints one JSON object instead of lines. */
  readonly json?: boolean;
  readonly dialects?: readonly Dialect[];
}

/**
 * Compiles the functions of the site ahead of a start; none of them is run. Resolves with the exit
 * code: 1 if a function does not compile; then the previous build is kept. Rejects with a SiteError
 * if the site cannot be read, with a BuildError if DATA_DIR cannot be written.
 */
export async function build(
  config: Config,
  out: (line: string) => void,
  { json = false, dialects = DIALECTS }: BuildOptions = {},
): Promise<number> {
  const startedAtMs = performance.now();
  await requireFolder(config.site);
  const ahead = await NewBuild.open(config.DATA_DIR, config.site);
  const notes: string[] = [];
  const project = { ...(await openProject(config, new NoteLog(notes, { from: 'info' }))), ahead };
  const readings = await Promise.all(dialects.map((dialect) => dialect.read(project)));
  const found = mergeProblems(readings.flatMap((reading) => reading.problems));
  const problems = found.toSorted((left, right) => (left.file < right.file ? -1 : 1));
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const kept = errors === 0 ? await ahead.finish() : undefined;
  const tookMs = Math.round(performance.now() - startedAtMs);
  const built: Built = { config, kept, errors, tookMs, problems, notes };
  for (const line of json ? [toJson(built)] : toLines(built)) out(line);
  return errors > 0 ? 1 : 0;
}

interface Built {
  readonly config: Config;
  /** Undefined: a function does not compile. */
  readonly kept: { readonly entries: number; readonly bytes: number } | undefined;
  readonly errors: number;
  readonly tookMs: number;
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}

function toJson({ config: { site, DATA_DIR }, kept, tookMs, problems, notes }: Built): string {
  const built = kept && { functions: kept.entries, folder: DATA_DIR, bytes: kept.bytes };
  return JSON.stringify({ site, built: kept !== undefined, ...built, took_ms: tookMs, problems, notes }, undefined, 2);
}

function toLines({ config: { site, DATA_DIR }, kept, errors, tookMs, problems, notes }: Built): readonly string[] {
  const result = kept
    ? [
        `compiled ${kept.entries === 1 ? '1 function' : `${kept.entries} functions`} of ${site}`,
        `  kept in   ${DATA_DIR}, ${Math.ceil(kept.bytes / 1024)} KB`,
        `  took      ${(tookMs / 1000).toFixed(1)} s`,
      ]
    : [`not built: ${errors === 1 ? '1 error' : `${errors} errors`} in ${site}`];
  return [
    ...result,
    ...problems.map((problem) => `  ${problem.severity.padEnd(8)}  ${toLocation(problem)} ${problem.message}`),
    ...notes.map((note) => `  note      ${note}`),
  ];
}
