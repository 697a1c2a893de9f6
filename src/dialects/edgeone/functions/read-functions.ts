import type { Reading } from '../../../contract/dialect.ts';
import type { Project } from '../../../contract/project.ts';
import { survey } from '../../loader/survey.ts';
import { type FunctionFile, findFiles, findMisspelt, isEntry, type Location } from './find-files.ts';
import type { FunctionKind } from './function-kind.ts';
import { openEntries } from './open-entries.ts';

export interface FunctionsRequest {
  readonly project: Project;
  readonly kind: FunctionKind;
  readonly location: Location;
  /** Names of packages that may be missing when the site is compiled. */
  readonly external: ReadonlySet<string>;
}

export interface FunctionsReading extends Reading {
  /** See `OpenedEntries`. Absent: there is no function. */
  readonly usesUploads?: boolean;
}

/**
 * Finds and loads the functions of one kind. Runs only files that are entries. Whether a file is
 * one is read from its exports, without running it.
 */
export async function readFunctions({
  project,
  kind,
  location,
  external,
}: FunctionsRequest): Promise<FunctionsReading> {
  const { files, ignored: skipped, problems } = await findFiles(project.root, location);
  if (files.length === 0) return { routes: [], ignored: skipped, problems };

  const found = await survey(
    project,
    files.map(({ path }) => path),
  );
  // The text of a file that cannot be parsed may not show that it is an entry.
  const isBroken = ({ path, file }: FunctionFile): boolean =>
    found.brokenTexts.has(path) && project.warmCode?.findGood(file) !== undefined;
  const misspelt = await findMisspelt(files, found);
  const isLost = ({ file }: FunctionFile): boolean =>
    kind.mayProtect === true && misspelt.some((each) => each.file === file);
  const entries = files.filter((file) => isEntry(file, found) || isBroken(file) || isLost(file));
  const helpers = files.filter((file) => !entries.includes(file));
  const opened = await openEntries({ project, kind, files: entries, survey: found, external });
  const { looks } = found;
  const { routes = [], problems: ofLost = [] } =
    (await kind.findLost?.({ entries, helpers, looks, reached: opened.reached })) ?? {};
  const lost = new Set(routes.map(({ file }) => file));
  const ignored = helpers
    .filter(({ file }) => !lost.has(file))
    .map(({ file }) => ({ file, reason: 'exports no handler and no app: a helper' }));
  return {
    routes: [...opened.routes, ...routes],
    usesUploads: opened.usesUploads,
    ignored: [...skipped, ...ignored, ...opened.ignored],
    problems: [...problems, ...misspelt, ...opened.problems, ...ofLost],
  };
}
