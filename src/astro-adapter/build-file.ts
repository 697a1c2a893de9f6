import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Fields of prerendered pages, by path: `/about`. */
export type StaticHeaders = ReadonlyMap<string, readonly (readonly [name: string, value: string])[]>;

/** Written by every build into the folder of its entry, by which that folder is found again, wherever it was moved. */
export const MARK = 'nexthop.json';

/** The text of that file. */
export function toMark({ headers, unmatchedMethods }: Omit<Mark, 'folder'>): string {
  const mark: WrittenMark = { version: 1, headers: Object.fromEntries(headers), unmatchedMethods };
  return `${JSON.stringify(mark, undefined, 2)}\n`;
}

export interface Mark {
  /** Absolute path of the folder of the entry. */
  readonly folder: string;
  readonly headers: StaticHeaders;
  /** As in OwnBuild. */
  readonly unmatchedMethods: readonly string[];
}

interface WrittenMark {
  readonly version: 1;
  readonly headers: Readonly<Record<string, readonly (readonly [string, string])[]>>;
  /** Not in builds by earlier versions of this adapter. */
  readonly unmatchedMethods?: readonly string[];
}

/** Finds and reads the file, from the URL of any module of the build. Throws an Error that says where it was looked for, or what is wrong with it. */
export function readMark(url: string): Mark {
  const start = dirname(fileURLToPath(url));
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
    const text = readIfThere(join(folder, MARK));
    if (text !== undefined) return { folder, ...parseMark(text, join(folder, MARK)) };
  }
  throw new Error(`${MARK} stands neither in ${start} nor above it, so this is no whole build: run astro build again`);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // all that node:fs throws
    throw error;
  }
}

function parseMark(text: string, path: string): Omit<Mark, 'folder'> {
  try {
    const { headers, unmatchedMethods = [] } = JSON.parse(text) as WrittenMark; // as toMark writes it
    return { headers: new Map(Object.entries(headers)), unmatchedMethods };
  } catch (cause) {
    throw new Error(`${path} cannot be read: run astro build again`, { cause });
  }
}
