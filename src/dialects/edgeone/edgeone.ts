import { realpath } from 'node:fs/promises';
import type { Problem } from '../../site/problem.ts';
import type { Dialect, IgnoredFile, Project, Reading } from '../dialect.ts';
import { survey } from '../loader/survey.ts';
import { isEntry } from './entry.ts';
import { findFiles } from './find-files.ts';
import { openEntries } from './open-entries.ts';

/** Cloud functions of EdgeOne Pages for Node.js: the files below `cloud-functions/`. */
export const edgeone: Dialect = {
  name: 'edgeone',
  looksFor: 'cloud-functions/**, else node-functions/**: .js .ts .cjs .jsx .tsx files with onRequest… or an app',
  read,
};

/** Only entries are ever run; which files those are is found by looking at what they export. */
async function read(given: Project): Promise<Reading> {
  // Node and esbuild name files by their real paths; a site behind a link (`current → releases/7`) would be two places.
  const project = { ...given, root: await realpath(given.root).catch(() => given.root) };
  const { files, ignored: passedOver, problems: unreadable } = await findFiles(project.root);
  const ignored: IgnoredFile[] = [...passedOver];
  const problems: Problem[] = [...unreadable];
  if (files.length === 0) return { routes: [], ignored, problems };

  const found = await survey(
    project.root,
    files.map(({ path }) => path),
  );
  const entries = files.filter((file) => isEntry(file, found));
  const helpers = files.filter((file) => !entries.includes(file));
  ignored.push(...helpers.map(({ file }) => ({ file, reason: 'exports no handler and no app: a helper' })));
  const opened = await openEntries({ project, files: entries, broken: found.broken });
  return {
    routes: opened.routes,
    ignored: [...ignored, ...opened.ignored],
    problems: [...problems, ...opened.problems],
  };
}
