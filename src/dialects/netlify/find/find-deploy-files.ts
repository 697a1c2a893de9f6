import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';

/** A file of the build that becomes a blob of the deploy store. */
export interface DeployFile {
  readonly key: string;
  /** Absolute. */
  readonly path: string;
  /** As the client encodes it; '' without. */
  readonly metadata: string;
}

export interface DeployFiles {
  readonly files: readonly DeployFile[];
  readonly problems: readonly Problem[];
}

/** How files and their metadata are named in a folder of blobs. */
interface Layout {
  readonly folder: string;
  /** Undefined for a file that is no blob. */
  toKey(file: string): string | undefined;
  toMetadataFile(file: string): string;
  readMetadata(json: unknown): unknown;
}

const LAYOUTS: readonly Layout[] = [
  // docs.netlify.com/build/data-and-storage/netlify-blobs, "file-based uploads": `a/$b.json` beside
  // `a/b`.
  {
    folder: '.netlify/blobs/deploy',
    toKey: (file) => (/^\$.*\.json$/.test(basename(file)) ? undefined : file),
    toMetadataFile: (file) => join(dirname(file), `$${basename(file)}.json`),
    readMetadata: (json) => json,
  },
  // docs.netlify.com/frameworks-api, "blobs": `a/b/blob` with `a/b/blob.meta.json`.
  {
    folder: '.netlify/v1/blobs/deploy',
    toKey: (file) => (basename(file) === 'blob' && file !== 'blob' ? dirname(file) : undefined),
    toMetadataFile: (file) => `${file}.meta.json`,
    readMetadata: (json) => (json as { readonly metadata?: unknown } | null)?.metadata ?? {},
  },
];

/** Finds the files that a build wrote for the deploy store. Metadata that cannot be read is an error of its file. */
export async function findDeployFiles(root: string): Promise<DeployFiles> {
  const files: DeployFile[] = [];
  const problems: Problem[] = [];
  for (const layout of LAYOUTS) {
    const folder = join(root, layout.folder);
    for (const file of await listFiles(folder)) {
      const key = layout.toKey(file);
      if (key === undefined) continue;
      const metadataFile = join(folder, layout.toMetadataFile(file));
      try {
        files.push({ key, path: join(folder, file), metadata: await readMetadata(metadataFile, layout) });
      } catch (error) {
        const message = `is no metadata of a blob: ${error instanceof Error ? error.message : error}`;
        problems.push({ severity: 'error', file: relative(root, metadataFile), message });
      }
    }
  }
  return { files, problems };
}

/** Paths of all files below a folder, sorted; none if there is no such folder. */
async function listFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

async function readMetadata(file: string, { readMetadata }: Layout): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return '';
  const metadata = readMetadata(JSON.parse(text));
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new TypeError('it must be an object');
  }
  return `b64;${Buffer.from(JSON.stringify(metadata)).toString('base64')}`;
}
