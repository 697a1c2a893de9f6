import { dirname, extname, join } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route } from '../../../contract/route.ts';
import { SourceSearch } from '../functions/source-search.ts';
import { toText } from '../functions/to-pattern.ts';

/** Sends a request on: code that never does it answers all of its requests itself. */
export const SENDS_ON = /\bfetch\(\s*(?:new\s+Request\(\s*)?[\w.]*req(?:uest)?\b/i;

/**
 * Finds catch-alls that look like a guard of their folder, because their code sends requests on, and do not answer the path of the folder itself. The
 * platform's own builder makes such routes. The result is called when all routes and files of the site are known: it has a warning for each folder whose
 * path something else of the site, or the next hop, answers.
 */
export async function findOpenFolders(project: Project, routes: readonly Route[]): Promise<() => readonly Problem[]> {
  const search = new SourceSearch(project);
  const found = await Promise.all(
    routes.filter(isOfHandler).map(async (route) => {
      const { byPath } = await search.textsOf(join(project.root, route.file));
      return [...byPath.values()].some((text) => SENDS_ON.test(text)) ? [route] : [];
    }),
  );
  return () => found.flat().flatMap((route) => toProblem(project, route));
}

/** An app answers its bare folder. */
function isOfHandler({ pattern: { segments } }: Route): boolean {
  const last = segments.at(-1);
  return last?.kind === 'catch-all' && !last.orNone;
}

function toProblem(project: Project, { file, pattern }: Route): readonly Problem[] {
  const folder = pattern.segments.slice(0, -1);
  const path = `/${folder.map((each) => (each.kind === 'literal' ? each.text : each.name)).join('/')}`;
  const answer = findAnswer(project, encodeURI(path));
  if (answer === undefined) return [];
  const text = toText(folder);
  const index = join(dirname(file), `index${extname(file)}`);
  const message = `does not get ${text} itself, as on the platform: ${answer} answers it. If it protects its folder, add ${index} with the same handlers`;
  return [{ severity: 'warning', file, message }];
}

/** What answers the path without the edge function; undefined if nothing does, or another edge function gets it. */
function findAnswer({ siteRoutes, files, hasNextHop }: Project, path: string): string | undefined {
  const found = siteRoutes?.find('GET', path).map(({ route }) => route) ?? [];
  if (found.some(({ step, dialect }) => step === 2 && dialect === 'edgeone')) return undefined;
  if (files?.has(path)) return 'a file of the site';
  const [first] = found;
  if (first) return first.file;
  return hasNextHop ? 'the next hop' : undefined;
}
