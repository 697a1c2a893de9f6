import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';
import { isTable } from './config-values.ts';
import { TOML_FILE, TomlComplaints } from './toml-complaints.ts';
import { type FunctionSettings, toFunctionSettings } from './toml-functions.ts';
import type { TomlRedirect } from './toml-redirects.ts';
import { toRedirects } from './toml-redirects.ts';

/** What `netlify.toml` says, as far as it concerns a site that is served here. */
export interface NetlifyToml {
  /** Folder of functions, relative to the site; undefined: the platform's default. */
  readonly functionsFolder?: string;
  readonly settings: readonly FunctionSettings[];
  /** In the order of the file, by which the first that fits counts. */
  readonly redirects: readonly TomlRedirect[];
  /** Folder of files, relative to the site. */
  readonly publish?: string;
  readonly problems: readonly Problem[];
}

/** Reads the site's `netlify.toml`; a site without one gets an empty one. Never rejects for what stands in it: each mistake is a problem with its line. */
export async function readNetlifyToml(root: string, isDev: boolean): Promise<NetlifyToml> {
  let text: string;
  try {
    text = await readFile(join(root, TOML_FILE), 'utf8');
  } catch (error) {
    return isMissing(error) ? NOTHING : withError(`cannot be read: ${messageOf(error)}`);
  }
  // Only now: a site without this file needs no parser.
  const { parse, TomlError } = await import('smol-toml');
  try {
    const plain = text.replace(/^\uFEFF/, '');
    return await check(parse(plain), { text: plain, root, isDev });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // What follows the first line shows the place, which people are told anyway.
    const [message = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    return withError(`is no TOML: ${message}; nothing of it is used`, { line: error.line, column: error.column });
  }
}

const NOTHING: NetlifyToml = { settings: [], redirects: [], problems: [] };

function withError(message: string, place: { readonly line?: number; readonly column?: number } = {}): NetlifyToml {
  return { ...NOTHING, problems: [{ severity: 'error', file: TOML_FILE, ...place, message }] };
}

type Table = Readonly<Record<string, unknown>>;

interface Surroundings {
  readonly text: string;
  readonly root: string;
  readonly isDev: boolean;
}

async function check(document: Table, { text, root, isDev }: Surroundings): Promise<NetlifyToml> {
  const complaints = new TomlComplaints(text);
  const reader = new Reader(document, complaints);
  reader.warnOfOthers();
  const functionsFolder = await reader.functionsFolder(root, isDev);
  const publish = reader.folder('build', 'publish');
  return {
    ...(functionsFolder !== undefined && { functionsFolder }),
    ...(publish !== undefined && { publish }),
    settings: toFunctionSettings(document.functions, complaints),
    redirects: toRedirects(document.redirects, complaints),
    problems: complaints.problems,
  };
}

const DEV_FOLDER = ['dev', 'functions'] as const;
/** The first that is set counts. */
const FOLDERS = [['functions', 'directory'] as const, ['build', 'functions'] as const];

/** Lists of tables that may be what guards the site. */
const UNREAD = [
  ['headers', 'is not used: what it sets is not set here, and a Basic-Auth among them guards nothing'],
  ['edge_functions', 'is not used: edge functions run on Deno and not here'],
] as const;

class Reader {
  readonly #document: Table;
  readonly #complaints: TomlComplaints;

  constructor(document: Table, complaints: TomlComplaints) {
    this.#document = document;
    this.#complaints = complaints;
  }

  /** `[dev]` is for development alone; `[build] functions` is the name that the setting had before. Complains of one that is not there. */
  async functionsFolder(root: string, isDev: boolean): Promise<string | undefined> {
    for (const [table, key] of isDev ? [DEV_FOLDER, ...FOLDERS] : FOLDERS) {
      const folder = this.folder(table, key);
      if (folder === undefined) continue;
      const found = await stat(join(root, folder)).catch(() => undefined);
      if (!found?.isDirectory()) this.#complaints.add([table, key], 'is no folder of the site: there are no functions');
      return folder;
    }
    return undefined;
  }

  /** A leading slash means the folder of the site, as on the platform. */
  folder(table: string, key: string): string | undefined {
    const value = this.#valueOf(table, key);
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '') {
      this.#complaints.add([table, key], `must be a folder of the site, got ${JSON.stringify(value)}; it is not used`);
      return undefined;
    }
    const folder = join('.', value.replace(/^\/+/, '')).replace(/\/$/, '');
    if (folder !== '..' && !folder.startsWith('../')) return folder;
    this.#complaints.add([table, key], `must stand in the site, got ${JSON.stringify(value)}; it is not used`, 'error');
    return undefined;
  }

  /** What decides on the platform where and what is served, and is not followed here. */
  warnOfOthers(): void {
    const base = this.#valueOf('build', 'base');
    if (typeof base === 'string' && join('.', base.replace(/^\/+/, ''), '/') !== './') {
      this.#complaints.add(['build', 'base'], `is not followed: serve ${JSON.stringify(base)} as the site`);
    }
    for (const [key, message] of UNREAD) {
      if (key in this.#document) this.#complaints.add([key, 0], message);
    }
    const { context } = this.#document;
    if (!isTable(context)) return;
    for (const [name, settings] of Object.entries(context)) {
      for (const key of ['functions', 'redirects']) {
        if (isTable(settings) && key in settings) {
          this.#complaints.add(['context', name, key], 'is not used: settings of contexts are not read here');
        }
      }
    }
  }

  #valueOf(table: string, key: string): unknown {
    const found = this.#document[table];
    return isTable(found) ? found[key] : undefined;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
