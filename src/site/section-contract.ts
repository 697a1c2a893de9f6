import { readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { didYouMean, type Problem } from '../contract/problem.ts';

/**
 * Reports where the project of a site does not fulfil the contract of Section's Node.js modules: a project that depends on
 * nexthop or calls it in a script. Any other is run by another project, or by an image, with a start of its own.
 * `files`: those whose code may send requests, relative to the site. Never rejects.
 */
export async function checkSectionContract(root: string, files: Iterable<string>): Promise<readonly Problem[]> {
  const folder = await findProject(root);
  const ofCode = await Promise.all([...files].map((file) => checkHopUrls(root, file)));
  if (folder === undefined) {
    const message = 'is missing: Section needs a start script and a lock file; "nexthop init" writes a project';
    return [{ severity: 'warning', file: 'package.json', message }, ...ofCode.flat()];
  }
  const project = new SectionProject(folder, root);
  await project.check();
  return [...project.problems, ...ofCode.flat()];
}

/** A URL of the next hop that the contract forbids. */
const WRONG_HOP = /https:\/\/next-hop\b(?::\d+)?|http:\/\/next-hop:(?!80\b)\d+/;

async function checkHopUrls(root: string, file: string): Promise<readonly Problem[]> {
  const text = await readFile(join(root, file), 'utf8').catch(() => '');
  if (!text.includes('next-hop')) return [];
  return text.split('\n').flatMap((code, index): readonly Problem[] => {
    const [url] = WRONG_HOP.exec(code) ?? [];
    if (url === undefined) return [];
    const message = `uses ${url}: the next hop is HTTP on port 80 only, http://next-hop; add X-Forwarded-Proto: https for HTTPS to the origin`;
    return [{ severity: 'error', file, line: index + 1, message }];
  });
}

/** The site, or the next folder above it that has a package.json; no folder above a repository. */
async function findProject(root: string): Promise<string | undefined> {
  for (let folder = root; ; folder = dirname(folder)) {
    if (await exists(join(folder, 'package.json'))) return folder;
    if ((await exists(join(folder, '.git'))) || folder === dirname(folder)) return undefined;
  }
}

/** Lock files of other package managers. */
const OTHER_LOCKS = ['yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb'];

type Table = Readonly<Record<string, unknown>>;

class SectionProject {
  readonly problems: Problem[] = [];
  readonly #folder: string;
  readonly #root: string;

  constructor(folder: string, root: string) {
    this.#folder = folder;
    this.#root = root;
  }

  async check(): Promise<void> {
    const text = await this.#read('package.json');
    const manifest = parse(text ?? '');
    if (!manifest) {
      this.#report('error', 'package.json', 'is not valid JSON, so npm can neither install nor start it');
      return;
    }
    if (!usesNexthop(manifest)) return;
    this.#checkStart(manifest, text ?? '');
    await this.#checkLock(manifest);
    await this.#checkGitignore();
  }

  #checkStart(manifest: Table, text: string): void {
    const scripts = toTable(manifest.scripts);
    const { start } = scripts;
    if (typeof start !== 'string' || start.trim() === '') {
      const nearest = didYouMean('start', Object.keys(scripts));
      this.#report('error', 'package.json', `has no start script; add "start": "nexthop start"${nearest}`);
      return;
    }
    const line = lineOf(text, '"start"');
    const complain = (message: string): void =>
      this.#report('error', 'package.json', `the start script ${message}`, line);
    if (/(?:^|\s)(?:--port[= ]|PORT=)/.test(start)) complain('sets the port: the platform sets PORT');
    const hop = /(?:--next-hop[= ]|NEXT_HOP=)["']?([^\s"']+)/.exec(start)?.[1];
    if (hop !== undefined && !/^http:\/\/next-hop(?::80)?\/?$/.test(hop)) {
      complain(`sends requests to ${hop}: the contract allows http://next-hop:80 only, which is the default`);
    }
    const logs = /(?:--log-dir[= ]|LOG_DIR=)["']?([^\s"']*)/.exec(start)?.[1];
    if (logs !== undefined && !/^\/var\/log\/nodejs(?:\/|$)/.test(logs)) {
      complain(`writes logs to ${logs || 'the terminal'}: the contract wants them below /var/log/nodejs, the default`);
    }
    if (/(?:--server-cert-path|SERVER_CERT_PATH)/.test(start)) complain('serves HTTPS: the contract wants HTTP');
    const isOwn = /\bnexthop\b/.test(start) && manifest.name !== 'nexthop';
    if (isOwn && toTable(manifest.dependencies).nexthop === undefined) {
      complain('needs the package nexthop, which is not in dependencies: npm install nexthop');
    }
  }

  async #checkLock(manifest: Table): Promise<void> {
    const text = await this.#read('package-lock.json');
    if (text === undefined) {
      const other = await first(OTHER_LOCKS, (name) => exists(join(this.#folder, name)));
      const why = other === undefined ? '' : `: ${other} is of another package manager`;
      this.#report('error', 'package-lock.json', `is missing${why}; run "npm install" and commit the file`);
      return;
    }
    const lock = parse(text);
    const locked = toTable(toTable(lock?.packages)['']);
    if (!lock || typeof lock.lockfileVersion !== 'number') {
      this.#report('error', 'package-lock.json', 'is not a lock file of npm; delete it and run "npm install"');
      return;
    }
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
      const [wanted, found] = [toTable(manifest[kind]), toTable(locked[kind])];
      const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
      const differing = [...names].filter((name) => wanted[name] !== found[name]);
      if (differing.length === 0) continue;
      const message = `does not fit package.json in ${kind}: ${differing.join(', ')}; "npm ci" fails: run "npm install"`;
      this.#report('error', 'package-lock.json', message);
    }
  }

  async #checkGitignore(): Promise<void> {
    const text = await this.#read('.gitignore');
    if (text === undefined) {
      this.#report('error', '.gitignore', 'is missing: it must contain the line node_modules');
      return;
    }
    const patterns = text.split('\n').map((line) => line.trim());
    const isIgnored = patterns.some((line) => /^(?:\*\*\/|\/)?node_modules(?:\/(?:\*{1,2})?)?$/.test(line));
    if (!isIgnored) this.#report('error', '.gitignore', 'does not ignore node_modules: add that line');
  }

  #read(name: string): Promise<string | undefined> {
    return readFile(join(this.#folder, name), 'utf8').catch(() => undefined);
  }

  #report(severity: Problem['severity'], name: string, message: string, line?: number): void {
    const file = relative(this.#root, join(this.#folder, name));
    this.problems.push({ severity, file, ...(line !== undefined && { line }), message });
  }
}

function usesNexthop({ name, scripts, ...manifest }: Table): boolean {
  const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];
  const isDependency = kinds.some((kind) => 'nexthop' in toTable(manifest[kind]));
  return name === 'nexthop' || isDependency || /\bnexthop\b/.test(JSON.stringify(scripts ?? ''));
}

function parse(text: string): Table | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : undefined;
  } catch {
    // The caller reports it.
    return undefined;
  }
}

function toTable(value: unknown): Table {
  return typeof value === 'object' && value !== null ? (value as Table) : {};
}

function lineOf(text: string, word: string): number | undefined {
  const index = text.split('\n').findIndex((line) => line.includes(word));
  return index < 0 ? undefined : index + 1;
}

async function first(
  names: readonly string[],
  matches: (name: string) => Promise<boolean>,
): Promise<string | undefined> {
  for (const name of names) if (await matches(name)) return name;
  return undefined;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
