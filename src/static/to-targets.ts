import { basename, join } from 'node:path/posix';
import type { PatternSegment } from '../contract/pattern.ts';
import type { Route } from '../contract/route.ts';
import type { Target } from '../contract/target.ts';
import { contentTypeOf } from '../http/content-type.ts';
import { cacheControlOf } from './cache-control.ts';
import type { Coding } from './choose-codings.ts';
import type { ExtraHeaders } from './extra-headers.ts';
import { FileTarget, type PathFiles } from './file-target.ts';
import type { ListedFile, NamedFolder } from './list-files.ts';
import type { LiveFiles } from './live-files.ts';
import { ServedFile } from './served-file.ts';
import { type Shelf, StoredFile } from './stored-file.ts';

/** A file and its precompressed siblings, the smaller ones first. */
const FORMS: readonly { readonly suffix: string; readonly coding: Coding }[] = [
  { suffix: '.br', coding: 'br' },
  { suffix: '.zst', coding: 'zstd' },
  { suffix: '.gz', coding: 'gzip' },
  { suffix: '', coding: 'identity' },
];

/** How the files of a folder are served. */
export interface FileRules {
  readonly place: NamedFolder;
  readonly shelf: Shelf;
  /** By the path of a file; for a page without the slash, `.html` and `index.html`. */
  readonly extraHeaders: ReadonlyMap<string, ExtraHeaders>;
}

/**
 * The target of each path at which the files are reachable: their own paths, and for pages also the
 * path without `.html` or `index.html`. Paths are decoded, include the base of the folder, and have
 * no slash at their end.
 */
export function toTargets(files: readonly ListedFile[], rules: FileRules): ReadonlyMap<string, FileTarget> {
  const { base, slash = 'one' } = rules.place;
  const above = toBase(base);
  const realPaths = new Map(files.map(({ path, realPath }) => [path, realPath]));
  const places = new Map<string, PathFiles>();
  for (const { path } of files) {
    const page = pageAddress(path, rules.place);
    const file = toServedFile(path, page ?? `/${path}`, realPaths, rules);
    open(places, `${above}/${path}`, { plain: file });
    if (page === undefined) continue;
    if (page.endsWith('/')) open(places, `${above}${page.slice(0, -1)}` || '/', { slashed: file, isPage: true });
    else if (!realPaths.has(page.slice(1))) open(places, above + page, { plain: file, isPage: true });
  }
  return new Map([...places].map(([path, doors]) => [path, new FileTarget(path, doors, slash)]));
}

/**
 * The base of the folder as the beginning of a path: without a slash at its end; '' for the root.
 */
export function toBase(base = ''): string {
  return base
    .split('/')
    .filter((text) => text !== '')
    .map((text) => `/${text}`)
    .join('');
}

const HTML = '.html';
const INDEX = 'index.html';

/**
 * Hosts show these pages for errors. They have no addresses, which would respond with
 * 200.
 */
const ERROR_PAGES: ReadonlySet<string> = new Set(['404.html', '500.html']);

/** `/docs/` for `docs/index.html`, `/about` for `about.html`, undefined for other files. */
function pageAddress(path: string, { htmlPages = true }: NamedFolder): string | undefined {
  if (basename(path) === INDEX) return `/${path.slice(0, -INDEX.length)}`;
  if (!htmlPages || ERROR_PAGES.has(path) || basename(path) === HTML) return undefined;
  return path.endsWith(HTML) ? `/${path.slice(0, -HTML.length)}` : undefined;
}

function toServedFile(
  path: string,
  address: string,
  realPaths: ReadonlyMap<string, string>,
  { place, shelf, extraHeaders }: FileRules,
): ServedFile {
  const forms: StoredFile[] = [];
  for (const { suffix, coding } of FORMS) {
    const realPath = realPaths.get(path + suffix);
    if (realPath !== undefined) forms.push(new StoredFile({ path: realPath, coding, shelf }));
  }
  const extra = extraHeaders.get(toKey(address));
  return new ServedFile({
    name: join(place.folder, path),
    forms,
    contentType: contentTypeOf(basename(path)),
    cacheControl: extra?.cacheControl ?? cacheControlOf(path, place.immutable),
    extraHeaders: extra?.headers ?? [],
  });
}

/** An error page has no address, but its headers are configured like those of a page. */
function toKey(address: string): string {
  if (ERROR_PAGES.has(address.slice(1))) return address.slice(0, -HTML.length);
  return address.length > 1 && address.endsWith('/') ? address.slice(0, -1) : address;
}

function open(places: Map<string, PathFiles>, path: string, doors: PathFiles): void {
  places.set(path, { ...places.get(path), ...doors });
}

const METHODS = ['GET', 'HEAD'] as const;

/** A Route for each path and its target. */
export function toRoutes(targets: ReadonlyMap<string, Target>, { folder, base }: NamedFolder): readonly Route[] {
  const above = toBase(base);
  return [...targets].map(([path, target]) => ({
    ...COMMON,
    pattern: { text: path, segments: toSegments(path) },
    target,
    file: target.name,
    folder,
    base: above,
  }));
}

/** One Route for all files that the folder may ever contain. */
export function toRouteForAll(target: LiveFiles, { folder, base }: NamedFolder): Route {
  const above = toBase(base);
  const segments: PatternSegment[] = [...toSegments(above), { kind: 'catch-all', name: 'path', orNone: true }];
  const pattern = { text: `${above}/*`, segments };
  return { ...COMMON, pattern, target, file: folder, folder, base: above, countFiles: () => target.size };
}

const COMMON = { methods: METHODS, step: 3, dialect: 'static' } as const;

function toSegments(path: string): PatternSegment[] {
  const texts = path.split('/').filter((text) => text !== '');
  return texts.map((text) => ({ kind: 'literal', text }));
}
