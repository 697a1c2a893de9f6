import { basename, join } from 'node:path/posix';
import type { FileFolder, Route } from '../dialects/dialect.ts';
import type { PatternSegment } from '../site/pattern.ts';
import type { Coding } from './choose-codings.ts';
import { contentTypeOf } from './content-type.ts';
import { type Doors, FileTarget } from './file-target.ts';
import { isImmutable } from './is-immutable.ts';
import type { ListedFile } from './list-files.ts';
import type { Memory } from './memory.ts';
import { ServedFile } from './served-file.ts';
import { StoredFile } from './stored-file.ts';

/** A file and the siblings that hold it precompressed, the smaller ones first. */
const FORMS: readonly { readonly suffix: string; readonly coding: Coding }[] = [
  { suffix: '.br', coding: 'br' },
  { suffix: '.gz', coding: 'gzip' },
  { suffix: '', coding: 'identity' },
];

const FOR_EVER = 'public, max-age=31536000, immutable';
/** It may be kept, and costs a 304 each time; whoever deploys need not wait for anybody's cache. */
const ASK_AGAIN = 'public, max-age=0, must-revalidate';

const METHODS = ['GET', 'HEAD'] as const;

/** A Route for each path under which the files are reached: their own, and for pages also the path without `.html` or `index.html`. */
export function toRoutes(files: readonly ListedFile[], place: FileFolder, memory: Memory): readonly Route[] {
  const realPaths = new Map(files.map(({ path, realPath }) => [path, realPath]));
  const places = new Map<string, Doors>();
  for (const { path } of files) {
    const file = toServedFile(path, realPaths, place, memory);
    const address = `/${path}`;
    const page = pageAddress(address);
    open(places, address, { plain: file });
    if (page === undefined) continue;
    if (page.endsWith('/')) open(places, page.slice(0, -1) || '/', { slashed: file, isPage: true });
    else if (!realPaths.has(path.slice(0, -HTML.length))) open(places, page, { plain: file, isPage: true });
  }
  return [...places].map(([path, doors]) => toRoute(path, doors, place));
}

function toServedFile(
  path: string,
  realPaths: ReadonlyMap<string, string>,
  { folder }: FileFolder,
  memory: Memory,
): ServedFile {
  const forms: StoredFile[] = [];
  for (const { suffix, coding } of FORMS) {
    const realPath = realPaths.get(path + suffix);
    if (realPath !== undefined) forms.push(new StoredFile({ path: realPath, coding, memory }));
  }
  return new ServedFile({
    name: join(folder, path),
    forms,
    contentType: contentTypeOf(basename(path)),
    cacheControl: isImmutable(path) ? FOR_EVER : ASK_AGAIN,
  });
}

const HTML = '.html';
const INDEX = 'index.html';

/** `/docs/` for `/docs/index.html`, `/about` for `/about.html`, undefined for what is no page. */
function pageAddress(address: string): string | undefined {
  if (basename(address) === INDEX) return address.slice(0, -INDEX.length);
  return address.endsWith(HTML) ? address.slice(0, -HTML.length) : undefined;
}

function open(places: Map<string, Doors>, path: string, doors: Doors): void {
  places.set(path, { ...places.get(path), ...doors });
}

function toRoute(path: string, doors: Doors, { folder, slash = 'one' }: FileFolder): Route {
  const target = new FileTarget(doors, slash);
  const texts = path.split('/').filter((text) => text !== '');
  const segments = texts.map((text): PatternSegment => ({ kind: 'literal', text }));
  return {
    pattern: { text: path, segments },
    methods: METHODS,
    target,
    step: 3,
    dialect: 'static',
    file: target.name,
    folder,
  };
}
