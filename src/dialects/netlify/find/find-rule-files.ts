import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';
import { DIST } from '../config/netlify-toml.ts';
import { type RedirectsFile, readRedirectsFile } from '../config/redirects-file.ts';

const REDIRECTS = '_redirects';

/** The folders where a site without `publish` may have such files. A build copies those of `public/`. */
const PUBLISHED = ['dist', 'public'];

/**
 * Reads the `_redirects` of the published folder, then that of the site. Without `publish` the first
 * of the usual folders that has one counts as published.
 */
export async function readRuleFiles(root: string, publish: string | undefined): Promise<RedirectsFile> {
  const published = publish === undefined ? PUBLISHED : [publish];
  const found = await Promise.all(published.map((folder) => readRedirects(root, join(folder, REDIRECTS))));
  const first = found.find((each) => each !== undefined);
  const ofSite = publish === '.' ? undefined : await readRedirects(root, REDIRECTS);
  const files = [first, ofSite].filter((each) => each !== undefined);
  return { rules: files.flatMap(({ rules }) => rules), problems: files.flatMap(({ problems }) => problems) };
}

/** Undefined if there is no such file. */
async function readRedirects(root: string, file: string): Promise<RedirectsFile | undefined> {
  try {
    return readRedirectsFile(await readFile(join(root, file), 'utf8'), file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException; // all that node:fs rejects with
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const problem: Problem = { severity: 'error', file, message: `cannot be read: ${message}` };
    return { rules: [], problems: [problem] };
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
