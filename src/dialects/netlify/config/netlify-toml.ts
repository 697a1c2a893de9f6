import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileFolder, IgnoredFile } from '../../../contract/dialect.ts';
import { isMissingFile } from '../../../contract/error-code.ts';
import { messageOf } from '../../../contract/error-message.ts';
import type { Problem } from '../../../contract/problem.ts';
import { DEAD_LINK, findNearPaths, isDeadLink } from '../../loader/near-paths.ts';
import type { HeaderRule } from './header-rule.ts';
import type { RedirectRule } from './redirect-rule.ts';
import { type TomlEdgeFunction, toEdgeFunctions, toMisspelt } from './toml-edge-functions.ts';
import { type FunctionSettings, toFunctionSettings } from './toml-functions.ts';
import { toHeaders, toLostGuards } from './toml-headers.ts';
import { findRepeated } from './toml-headings.ts';
import { toRemoteImages } from './toml-images.ts';
import { checkKeys } from './toml-keys.ts';
import { TOML_FILE, TomlProblems } from './toml-problems.ts';
import { toLostRedirects, toRedirects } from './toml-redirects.ts';
import { type NamedFolders, TomlSettings } from './toml-settings.ts';

/** The parts of `netlify.toml` that nexthop uses. */
export interface NetlifyToml extends NamedFolders {
  readonly settings: readonly FunctionSettings[];
  /** In the order of the file: the first that matches is used. */
  readonly redirects: readonly RedirectRule[];
  /** In the order of the file. */
  readonly edgeFunctions: readonly TomlEdgeFunction[];
  /** The import map of edge functions, relative to the site. */
  readonly importMap?: string;
  /** In the order of the file: later ones replace. */
  readonly headers: readonly HeaderRule[];
  /** Match URLs of images of other hosts; sticky. */
  readonly remoteImages: readonly RegExp[];
  /** Folder of files, relative to the site. */
  readonly publish?: string;
  /** The setting that names it. */
  readonly publishedBy?: FileFolder['namedBy'];
  /** `publish` names `dist`, which does not exist. */
  readonly isUnbuilt?: true;
  /** The folder that holds the site's sources, relative to the site; '.' for the site itself. */
  readonly base: string;
  /** Tables that do not apply here, each with the reason. */
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
  /** The file cannot be read. It may hold guards, so no request may be answered. */
  readonly isClosed?: true;
  /** The settings of the site are not known. */
  readonly isUnread?: true;
}

/**
 * Reads `netlify.toml` of the site in `root`. A site without one gets empty settings. Never rejects because of the content: each mistake becomes a problem.
 */
export async function readNetlifyToml(root: string, isDev: boolean): Promise<NetlifyToml> {
  let text: string;
  try {
    text = await readFile(join(root, TOML_FILE), 'utf8');
  } catch (error) {
    if (!isMissingFile(error)) return withError(`cannot be read: ${messageOf(error)}`);
    return (await isDeadLink(join(root, TOML_FILE))) ? withError(DEAD_LINK) : findMisspelt(root);
  }
  // Imported only here: a site without this file needs no parser.
  const { parse, TomlError } = await import('smol-toml');
  try {
    const plain = text.replace(/^\uFEFF/, '');
    return await check(parse(plain), { text: plain, root, isDev });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The further lines of the message show the location, which the problem has already.
    const [message = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    const { line, column } = error;
    const repeated = findRepeated(text, line);
    if (repeated) return withError(`is not valid TOML: ${repeated.message}`, { line: repeated.line });
    return withError(`is not valid TOML: ${message}`, { line, column });
  }
}

/** A file that is most likely a misspelt `netlify.toml`. It closes the site if it may hold guards. */
async function findMisspelt(root: string): Promise<NetlifyToml> {
  const [file] = await findNearPaths(root, TOML_FILE, 'file');
  if (file === undefined) return NO_TOML;
  const mayGuard = GUARDS.test(await readFile(join(root, file), 'utf8').catch(() => 'edge_functions'));
  const message = `is not read; did you mean ${TOML_FILE}?${mayGuard ? `; ${CLOSES_ALL}` : ''}`;
  const problems: readonly Problem[] = [{ severity: 'error', file, message }];
  return { ...NO_TOML, problems, isUnread: true, ...(mayGuard && { isClosed: true }) };
}

const GUARDS = /basic[-_ ]?auth|edge[-_]?functions|\brole|rate[-_]?limit|\bforce\b/i;

/** Of a site without the file. */
export const NO_TOML: NetlifyToml = {
  ...{ settings: [], edgeFunctions: [], redirects: [], headers: [], remoteImages: [] },
  ...{ base: '.', ignored: [], problems: [] },
};

/** The end of the message about a file with rules that cannot be read. */
export const CLOSES_ALL = 'it may protect paths, so every request is answered 500';

function withError(message: string, location: { readonly line?: number; readonly column?: number } = {}): NetlifyToml {
  const problem: Problem = { severity: 'error', file: TOML_FILE, ...location, message: `${message}; ${CLOSES_ALL}` };
  return { ...NO_TOML, problems: [problem], isClosed: true, isUnread: true };
}

type Table = Readonly<Record<string, unknown>>;

interface Surroundings {
  readonly text: string;
  readonly root: string;
  readonly isDev: boolean;
}

async function check(document: Table, { text, root, isDev }: Surroundings): Promise<NetlifyToml> {
  const problems = new TomlProblems(text);
  const settings = new TomlSettings(document, problems, isDev);
  const folders = { ...settings.edgeFolder(), ...(await settings.functionsFolder(root)) };
  const publish = await settings.publishFolder(root);
  await settings.checkBase(root);
  const rules = toRules(document, settings, problems);
  checkKeys(document, problems);
  return {
    ...folders,
    ...settings.importMap(),
    ...(publish && { publish: publish.folder, publishedBy: problems.origin(publish.path) }),
    ...(publish?.isUnbuilt && { isUnbuilt: true }),
    base: settings.base,
    // Of two settings of one glob the later one counts: those of the context.
    settings: settings.all('functions').flatMap((found) => toFunctionSettings(found, problems)),
    ...rules,
    remoteImages: toRemoteImages(settings.last('images'), problems),
    ignored: settings.ignored,
    problems: problems.list,
  };
}

type Rules = Pick<NetlifyToml, 'edgeFunctions' | 'redirects' | 'headers'>;

/** The rules of the file, and those that close paths because a guard is in a table of another name. */
function toRules(document: Table, settings: TomlSettings, problems: TomlProblems): Rules {
  const { tables } = settings;
  return {
    edgeFunctions: [...toEdgeFunctions(settings.last('edge_functions'), problems), ...toMisspelt(document, problems)],
    redirects: [
      ...toRedirects(settings.last('redirects'), problems),
      ...tables.flatMap((table) => toLostRedirects(table, problems)),
    ],
    headers: [
      ...toHeaders(settings.last('headers'), problems),
      ...tables.flatMap((table) => toLostGuards(table, problems)),
    ],
  };
}
