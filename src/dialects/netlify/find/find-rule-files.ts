import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';
import type { HeaderRule } from '../config/header-rule.ts';
import { readHeadersFile } from '../config/headers-file.ts';
import { DIST, type NetlifyToml } from '../config/netlify-toml.ts';
import type { RedirectRule } from '../config/redirect-rule.ts';
import { readRedirectsFile } from '../config/redirects-file.ts';

const REDIRECTS = '_redirects';
const HEADERS = '_headers';

/** The folders where a site without `publish` may have such files. A build copies those of `public/`. */
const PUBLISHED = ['dist', 'public'];

export interface RuleFiles {
  readonly redirects: readonly RedirectRule[];
  readonly headers: readonly HeaderRule[];
  readonly problems: readonly Problem[];
}

/**
 * Reads `_redirects` and `_headers` of the published folder, then those of its
 * sources. Without `publish`
 * the first of the usual folders that has such a file counts as published.
 */
export async function readRuleFiles(
  root: string,
  { publish, base }: Pick<NetlifyToml, 'publish' | 'base'>,
): Promise<RuleFiles> {
  const folders = publish === undefined ? PUBLISHED.map((folder) => join(base, folder)) : [publish];
  const [redirects, headers] = await Promise.all([
    readAll(root, { folders, base, name: REDIRECTS, read: readRedirectsFile }),
    readAll(root, { folders, base, name: HEADERS, read: readHeadersFile }),
  ]);
  return {
    redirects: redirects.rules,
    headers: headers.rules,
    problems: [...redirects.problems, ...headers.problems],
  };
}

interface RuleFile<T> {
  readonly rules: readonly T[];
  readonly problems: readonly Problem[];
}

interface Kind<T> {
  /** Of these the first that has such a file counts. */
  readonly folders: readonly string[];
  /** The folder of the site's sources. */
  readonly base: string;
  readonly name: string;
  readonly read: (text: string, file: string) => RuleFile<T>;
}

async function readAll<T>(root: string, { folders, base, name, read }: Kind<T>): Promise<RuleFile<T>> {
  const readOne = async (folder: string) => readRules(root, join(folder, name), read);
  const published = await Promise.all(folders.map(readOne));
  const ofSite = folders.includes(base) ? undefined : await readOne(base);
  const files = [published.find((each) => each !== undefined), ofSite].filter((each) => each !== undefined);
  return { rules: files.flatMap(({ rules }) => rules), problems: files.flatMap(({ problems }) => problems) };
}

/** Undefined if there is no such file. */
async function readRules<T>(root: string, file: string, read: Kind<T>['read']): Promise<RuleFile<T> | undefined> {
  try {
    return read(await readFile(join(root, file), 'utf8'), file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException; // all that node:fs rejects with
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return { rules: [], problems: [{ severity: 'error', file, message: `cannot be read: ${message}` }] };
  }
}

/** The page for what the site does not have, relative to the site. Only a folder that `publish` names is a whole site. */
export async function findNotFoundPage(root: string, publish: string | undefined): Promise<string | undefined> {
  if (publish === undefined) return undefined;
  // Without an index.html this folder is taken for compiled code and not served.
  if (publish === DIST && !(await isFile(join(root, DIST, 'index.html')))) return undefined;
  const page = join(publish, '404.html');
  return (await isFile(join(root, page))) ? page : undefined;
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}
