import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Headers of prerendered pages, by path: `/about`. */
export type StaticHeaders = ReadonlyMap<string, readonly (readonly [name: string, value: string])[]>;

/**
 * Name of the file that the adapter writes into the folder of a build's entry. Modules of the build
 * find that folder by it, wherever the build was moved.
 */
export const BUILD_FILE = 'nexthop.json';

/** The text of the file. */
export function toBuildFile({ headers, unmatchedMethods }: Omit<BuildFile, 'folder'>): string {
  const content: Content = { version: 1, headers: Object.fromEntries(headers), unmatchedMethods };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

export interface BuildFile {
  /** Absolute path of the folder of the entry. */
  readonly folder: string;
  readonly headers: StaticHeaders;
  /** See OwnBuild. */
  readonly unmatchedMethods: readonly string[];
}

interface Content {
  readonly version: 1;
  readonly headers: Readonly<Record<string, readonly (readonly [string, string])[]>>;
  /** Earlier versions of the adapter do not write it. */
  readonly unmatchedMethods?: readonly string[];
}

/**
 * Finds and reads the file of a build. `url`: URL of any module of the build. Throws an Error that
 * says where the file was expected, or why it cannot be read.
 */
export function readBuildFile(url: string): BuildFile {
  const start = dirname(fileURLToPath(url));
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
    const text = readIfThere(join(folder, BUILD_FILE));
    if (text !== undefined) return { folder, ...parse(text, join(folder, BUILD_FILE)) };
  }
  throw new Error(
    `the build is not complete: ${BUILD_FILE} is neither in ${start} nor above it; run astro build again`,
  );
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // node:fs throws nothing else
    throw error;
  }
}

function parse(text: string, path: string): Omit<BuildFile, 'folder'> {
  try {
    const { headers, unmatchedMethods = [] } = JSON.parse(text) as Content; // `toBuildFile` wrote it
    return { headers: new Map(Object.entries(headers)), unmatchedMethods };
  } catch (cause) {
    throw new Error(`${path} cannot be read: run astro build again`, { cause });
  }
}
