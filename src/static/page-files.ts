import { readFile, stat } from 'node:fs/promises';
import { extname, posix } from 'node:path';
import type { FileListing, ListedFile, VisitedFolder } from './list-files.ts';

/** Only for the web: no server's code, settings or data. */
const FOR_WEB = new Set([
  ...[
    '.html',
    '.htm',
    '.css',
    '.svg',
    '.png',
    '.apng',
    '.jpg',
    '.jpeg',
    '.gif',
    '.webp',
    '.avif',
    '.jxl',
    '.bmp',
    '.ico',
  ],
  ...['.woff', '.woff2', '.ttf', '.otf', '.eot', '.mp3', '.m4a', '.aac', '.ogg', '.opus', '.flac', '.wav', '.weba'],
  ...[
    '.mp4',
    '.m4v',
    '.webm',
    '.ogv',
    '.mov',
    '.vtt',
    '.pdf',
    '.txt',
    '.xml',
    '.xsl',
    '.rss',
    '.atom',
    '.webmanifest',
    '.wasm',
  ],
]);

/** Files for the web or for a server: they are served if a page names them. */
const FOR_BOTH = new Set([
  '.js',
  '.mjs',
  '.json',
  '.map',
  '.md',
  '.csv',
  '.tsv',
  '.geojson',
  '.jsonld',
  '.zip',
  '.glb',
  '.gltf',
]);

/** Lists of packages for a server, and folders of tests and of reports that show source code. */
const NEVER = /^(?:requirements[^/]*\.txt|pom\.xml|(?:coverage|tests?|__tests__)\/.*)$/;

/** Files that may name other files. */
const TEXTS = new Set(['.html', '.htm', '.css', '.js', '.mjs', '.json', '.svg', '.webmanifest']);

/** Larger files are data or bundles, which are not searched for names. */
const MAX_TEXT_BYTES = 4 * 1024 ** 2;

/** A name in quotes or in `url(…)`, with an extension of files that are served only if they are named: `node server.js` in a text is no name. */
const NAMES =
  /["'`(]\s*([^"'`()\s<>?#]+\.(?:m?js|json|map|md|csv|tsv|geojson|jsonld|zip|glb|gltf))(?:[?#][^"'`()\s]*)?\s*["'`)]|sourceMappingURL=(\S+\.map)/g;

/**
 * Chooses the files for the web at the top of a site without a build: pages, their assets, the scripts and data that they name, and those that these
 * name in turn. The code and data of a server in the same folder are never served. Scripts and data that are not chosen are listed as ignored.
 */
export async function pickPageFiles({ files, folders, ignored, problems }: FileListing): Promise<FileListing> {
  const choice = new Choice(files.filter(({ path }) => !NEVER.test(path)));
  await choice.follow();
  const leftOut = files.filter(({ path }) => FOR_BOTH.has(extensionOf(path)) && !choice.has(path));
  return {
    private: [],
    files: files.filter(({ path }) => choice.has(path)),
    // A change of a page may change the chosen files.
    folders: [...folders, ...choice.texts],
    ignored: leftOut.length > 0 ? [...ignored, { file: '.', reason: explain(leftOut) }] : ignored,
    problems,
  };
}

class Choice {
  readonly texts: VisitedFolder[] = [];
  readonly #byPath: ReadonlyMap<string, ListedFile>;
  readonly #chosen = new Set<string>();
  /** Folders with pages: scripts load files relative to the addresses of these. */
  readonly #pageFolders: ReadonlySet<string>;

  constructor(files: readonly ListedFile[]) {
    this.#byPath = new Map(files.map((file) => [file.path, file]));
    const pages = files.filter(({ path }) => /\.html?$/.test(path));
    this.#pageFolders = new Set(pages.map(({ path }) => posix.dirname(path)));
    for (const { path } of files) if (FOR_WEB.has(extensionOf(path))) this.#chosen.add(path);
  }

  /** Also of its other forms in the same folder, e.g. `app.js.br`. */
  has(path: string): boolean {
    return this.#chosen.has(path) || this.#chosen.has(path.replace(/\.(?:br|gz|zst)$/, ''));
  }

  /** Adds the files that chosen files name, until no new one is named. */
  async follow(): Promise<void> {
    // The iteration of a Set includes members that are added meanwhile.
    for (const path of this.#chosen) {
      const file = this.#byPath.get(path);
      if (!file || !TEXTS.has(extensionOf(path))) continue;
      for (const name of namesIn(await this.#read(file))) this.#choose(posix.dirname(path), name);
    }
  }

  async #read({ realPath }: ListedFile): Promise<string> {
    const seenAtMs = Date.now();
    const stats = await stat(realPath).catch(() => undefined);
    this.texts.push({ path: realPath, stats, seenAtMs });
    if (!stats || stats.size > MAX_TEXT_BYTES) return '';
    // It may have been removed since: then it names nothing.
    return readFile(realPath, 'utf8').catch(() => '');
  }

  /** If several files have the name, the nearest to the file that names them: another one may belong to a server. */
  #choose(folder: string, name: string): void {
    const bases = name.startsWith('/') ? ['.'] : [folder, ...this.#pageFolders, '.'];
    for (const base of bases) {
      const path = posix.join(base, name);
      if (!this.#byPath.has(path)) continue;
      this.#chosen.add(path);
      return;
    }
  }
}

function namesIn(text: string): readonly string[] {
  return [...text.matchAll(NAMES)].map(([, quoted, map]) => decode(quoted ?? map ?? ''));
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    // A "%" without two hexadecimal digits.
    return name;
  }
}

function extensionOf(path: string): string {
  return extname(path).toLowerCase();
}

function explain(leftOut: readonly ListedFile[]): string {
  const names = leftOut.slice(0, 3).map(({ path }) => path);
  const more = leftOut.length > names.length ? ` and ${leftOut.length - names.length} more` : '';
  return `of the site's top, pages are served and what they name; not ${names.join(', ')}${more}: name a folder by outputDirectory or publish to serve all of it`;
}
