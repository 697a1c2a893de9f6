import type { ExecutionContext } from 'ava';
import type { Project } from '../../src/contract/project.ts';
import { readNetlifyToml } from '../../src/dialects/netlify/config/netlify-toml.ts';
import type { Declaration } from '../../src/dialects/netlify/find/declaration.ts';
import { type Findings, findFunctions } from '../../src/dialects/netlify/find/find-functions.ts';
import { project } from './project.ts';

/** A modern function. */
export const MODERN = 'export default () => new Response("ok");';

export interface FoundSite extends Findings {
  readonly project: Project;
  /** The declaration with this name. */
  of(name: string): Declaration;
  /** `file:line severity message`, also of `netlify.toml`. */
  readonly reported: readonly string[];
}

/** Writes the files (path → text) and finds the functions among them. */
export async function findIn(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<FoundSite> {
  const opened = await project(t, files);
  return findAgain(opened);
}

/** The same for a project whose files exist. */
export async function findAgain(opened: Project): Promise<FoundSite> {
  const toml = await readNetlifyToml(opened.root, opened.dev ?? false);
  const { declarations, ignored, problems, unread, misspelt, salvaged } = await findFunctions(opened, toml);
  return {
    project: opened,
    declarations,
    ignored,
    problems,
    unread,
    misspelt,
    salvaged,
    reported: [...toml.problems, ...problems].map(
      ({ file, line, severity, message }) => `${line === undefined ? file : `${file}:${line}`} ${severity} ${message}`,
    ),
    of(name) {
      const found = declarations.find((each) => each.name === name);
      if (!found) throw new Error(`${name} is not among ${declarations.map((each) => each.name)}`);
      return found;
    },
  };
}
