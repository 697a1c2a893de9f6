import type { Config } from '../config/config.ts';
import type { Dialect } from '../contract/dialect.ts';
import { mergeProblems, toLocation } from '../contract/problem.ts';
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
  examples: [
    ['nexthop build', 'compiles the functions of this folder'],
    ['nexthop build my-site --data-dir=/srv/data', 'keeps the result in /srv/data'],
  ],
  exits: { 0: 'all functions are compiled', 1: 'one does not compile; the previous build is kept' },
  run: ({ config, out }) => build(config, out),
});

export interface BuildOptions {
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
  { dialects = DIALECTS }: BuildOptions = {},
): Promise<number> {
  const startedAtMs = performance.now();
  await requireFolder(config.site);
  const ahead = await NewBuild.open(config.DATA_DIR, config.site);
  const notes: string[] = [];
  const project = { ...(await openProject(config, new NoteLog(notes, { from: 'info' }))), ahead };
  const readings = await Promise.all(dialects.map((dialect) => dialect.read(project)));
  const found = mergeProblems(readings.flatMap((reading) => reading.problems));
  const problems = found.toSorted((left, right) => (left.file < right.file ? -1 : 1));
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    out(`nothing is kept: ${errors.length === 1 ? '1 error' : `${errors.length} errors`} in ${config.site}`);
  } else {
    const { entries, bytes } = await ahead.finish();
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    out(`compiled ${entries === 1 ? '1 function' : `${entries} functions`} of ${config.site}`);
    out(`  kept in   ${config.DATA_DIR}, ${Math.ceil(bytes / 1024)} KB`);
    out(`  took      ${seconds} s`);
  }
  for (const problem of problems) out(`  ${problem.severity.padEnd(8)}  ${toLocation(problem)} ${problem.message}`);
  for (const note of notes) out(`  note      ${note}`);
  return errors.length > 0 ? 1 : 0;
}
