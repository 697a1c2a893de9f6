import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMissingFile } from '../../../contract/error-code.ts';
import { messageOf } from '../../../contract/error-message.ts';
import type { Problem } from '../../../contract/problem.ts';
import { DEAD_LINK, findNearPaths, isDeadLink } from '../../loader/near-paths.ts';
import { BASIC_AUTH, CLOSED, type HeaderRule } from '../config/header-rule.ts';
import { readHeadersFile } from '../config/headers-file.ts';
import { CLOSES_ALL, type NetlifyToml } from '../config/netlify-toml.ts';
import { isGuard, type RedirectRule, toClosedRule } from '../config/redirect-rule.ts';
import { readRedirectsFile } from '../config/redirects-file.ts';
import { DIST } from '../config/toml-settings.ts';

const REDIRECTS = '_redirects';
const HEADERS = '_headers';

/** The folders where a site without `publish` may have such files. A build copies those of `public/`. */
const PUBLISHED = ['dist', 'public'];

export interface RuleFiles {
  readonly redirects: readonly RedirectRule[];
  readonly headers: readonly HeaderRule[];
  readonly problems: readonly Problem[];
  /** Files that cannot be read. They may hold guards, so no request may be answered. */
  readonly closed: readonly string[];
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
    readAll(root, { folders, base, name: REDIRECTS, read: readRedirectsFile, toGuards: toClosedRedirects }),
    readAll(root, { folders, base, name: HEADERS, read: readHeadersFile, toGuards: toClosedHeaders }),
  ]);
  return {
    redirects: redirects.rules,
    headers: headers.rules,
    problems: [...redirects.problems, ...headers.problems],
    closed: [...redirects.closed, ...headers.closed],
  };
}

interface RuleFile<T> {
  readonly rules: readonly T[];
  readonly problems: readonly Problem[];
}

interface Rules<T> extends RuleFile<T>, Pick<RuleFiles, 'closed'> {
  /** The name of the file is misspelt: its rules are not used, and those here close what it would protect. */
  readonly isMisspelt?: true;
}

interface Kind<T> {
  /** Of these the first that has such a file counts. */
  readonly folders: readonly string[];
  /** The folder of the site's sources. */
  readonly base: string;
  readonly name: string;
  readonly read: (text: string, file: string) => RuleFile<T>;
  /** Of rules that are not used: those that close what the others would protect. */
  readonly toGuards: (rules: readonly T[]) => readonly T[];
}

async function readAll<T>(root: string, kind: Kind<T>): Promise<Rules<T>> {
  const { folders, base, name } = kind;
  const readOne = async (folder: string) => readRules(root, join(folder, name), kind);
  const published = await Promise.all(folders.map(readOne));
  const ofSite = folders.includes(base) ? undefined : await readOne(base);
  const isMisspelt = (each: Rules<T> | undefined): boolean => each?.isMisspelt ?? false;
  const first = published.find((each) => each !== undefined && !isMisspelt(each));
  const files = [first, ...published.filter(isMisspelt), ofSite].filter((each) => each !== undefined);
  return {
    rules: files.flatMap(({ rules }) => rules),
    problems: files.flatMap(({ problems }) => problems),
    closed: files.flatMap(({ closed }) => closed),
  };
}

/** Undefined if there is no such file. */
async function readRules<T>(root: string, file: string, kind: Kind<T>): Promise<Rules<T> | undefined> {
  try {
    return { ...kind.read(await readFile(join(root, file), 'utf8'), file), closed: [] };
  } catch (error) {
    const isDead = isMissingFile(error) && (await isDeadLink(join(root, file)));
    if (isMissingFile(error) && !isDead) return readMisspelt(root, file, kind);
    const message = `${isDead ? DEAD_LINK : `cannot be read: ${messageOf(error)}`}; ${CLOSES_ALL}`;
    return { rules: [], problems: [{ severity: 'error', file, message }], closed: [file] };
  }
}

/** A file with nothing but rules, of which the name is most likely misspelt. It may hold guards. */
async function readMisspelt<T>(root: string, wanted: string, kind: Kind<T>): Promise<Rules<T> | undefined> {
  for (const file of await findNearPaths(root, wanted, 'file')) {
    if (dirname(file) !== dirname(wanted)) continue;
    const text = await readFile(join(root, file), 'utf8').catch(() => '');
    const { rules, problems } = kind.read(text, file);
    if (rules.length === 0 || problems.length > 0) continue;
    const guards = kind.toGuards(rules);
    const end = guards.length > 0 ? '; the paths that it protects are closed' : '';
    const message = `is not read; did you mean ${wanted}?${end}`;
    return { rules: guards, problems: [{ severity: 'error', file, message }], closed: [], isMisspelt: true };
  }
  return undefined;
}

function toClosedRedirects(rules: readonly RedirectRule[]): readonly RedirectRule[] {
  return rules.filter(isGuard).map(toClosedRule);
}

function toClosedHeaders(rules: readonly HeaderRule[]): readonly HeaderRule[] {
  const guards = rules.filter(({ values }) => values.has(BASIC_AUTH));
  return guards.map((rule) => ({ ...rule, values: new Map([[BASIC_AUTH, ['', CLOSED]]]) }));
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
