import { posix } from 'node:path';
import type { SourceFile } from './source-tree.ts';

/** Each rule checks source files and returns a message for each violation: what, where, and what to do. */
export type Violations = string[];

/**
 * The rooms by level, from top to bottom. A room is a file or a folder of `src/`; `*` matches one folder
 * name, and each such folder is a room. The room of a file is the longest entry that matches it.
 */
export type Levels = readonly (readonly string[])[];

/**
 * A file imports only from its own room or from a lower level, never from another room on its own level.
 * So rooms cannot form a circle.
 */
export function importsPointDownward(files: readonly SourceFile[], levels: Levels): Violations {
  return files.flatMap((file) => {
    const from = toRoom(file.path, levels);
    if (!from) return [`${file.path} is in no room: add it to the table in test/structure.ts`];
    return file.imports.flatMap(({ file: imported, line }) => {
      const to = imported && toRoom(imported, levels);
      if (!to || to.name === from.name || to.level > from.level) return [];
      const where = to.level === from.level ? 'a room on the same level' : 'a room on a higher level';
      return [
        `${file.path}:${line} imports ${imported}, ${where}: pass it in as a parameter, or move what both need to a lower level`,
      ];
    });
  });
}

/** No file imports itself through other files. */
export function noCycles(files: readonly SourceFile[]): Violations {
  const importsOf = new Map(files.map((file) => [file.path, file.imports.flatMap((each) => each.file ?? [])]));
  return circlesIn(importsOf).map((circle) => `${circle} is a circle: move what both ends need into a file of its own`);
}

/** No folder imports itself through other folders. Checks the entries of each folder: its files, and its subfolders as wholes. */
export function noFolderCycles(files: readonly SourceFile[]): Violations {
  const folders = new Set(['src/', ...files.flatMap(({ path }) => foldersOf(path))]);
  return [...folders].flatMap((folder) =>
    circlesIn(importsInside(folder, files))
      .filter((circle) => circle.includes('/ → '))
      .map((circle) => `${circle} is a circle of folders: move what both ends need into a folder below both`),
  );
}

/** The imports between the entries of a folder. */
function importsInside(folder: string, files: readonly SourceFile[]): Map<string, string[]> {
  const toEntry = (path: string) => {
    const [name = '', ...rest] = path.slice(folder.length).split('/');
    return folder + name + (rest.length > 0 ? '/' : '');
  };
  const importsOf = new Map<string, string[]>();
  for (const { path, imports } of files.filter(({ path }) => path.startsWith(folder))) {
    const from = toEntry(path);
    const inside = imports.flatMap(({ file }) => (file?.startsWith(folder) ? [toEntry(file)] : []));
    importsOf.set(from, [...(importsOf.get(from) ?? []), ...inside.filter((to) => to !== from)]);
  }
  return importsOf;
}

/** Each circle as `a → b → a`. */
function circlesIn(importsOf: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const circles: string[] = [];

  function visit(path: string, trail: readonly string[]): void {
    if (trail.includes(path)) {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const imported of new Set(importsOf.get(path))) visit(imported, [...trail, path]);
    done.add(path);
  }

  for (const path of importsOf.keys()) visit(path, []);
  return circles;
}

/** Files of a room import only from the room itself (its first three folders) and from `allowed`. */
export function importsOnlyFrom(files: readonly SourceFile[], allowed: readonly string[]): Violations {
  return files.flatMap(({ path, imports }) => {
    const own = `${path.split('/').slice(0, 3).join('/')}/`;
    return imports
      .filter(({ file }) => file && ![own, ...allowed].some((room) => file.startsWith(room)))
      .map(
        ({ file, line }) => `${path}:${line} imports ${file}: pass it in with the project, or move it into contract/`,
      );
  });
}

/** `packageName` is imported only in `room`, a file or a folder that ends with a slash. */
export function importedOnlyIn(files: readonly SourceFile[], packageName: string, room: string): Violations {
  return files
    .filter(({ path }) => !isWithin(path, room))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => specifier === packageName || specifier.startsWith(`${packageName}/`))
        .map(
          ({ line }) =>
            `${path}:${line} imports ${packageName}, which only ${room} may import: use what that room exports`,
        ),
    );
}

/** Code that matches `pattern` is only in `room`; with '' as room, in no file. */
export function writtenOnlyIn(
  files: readonly SourceFile[],
  { what, pattern, room, instead }: { what: string; pattern: RegExp; room: string; instead: string },
): Violations {
  return files
    .filter(({ path, code }) => !(room && isWithin(path, room)) && pattern.test(code))
    .map((file) => `${file.path}${lineOf(file, pattern)} uses ${what}: ${instead}`);
}

/** A file has at most `most` lines. */
export function noLongFiles(files: readonly SourceFile[], most: number): Violations {
  return files
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > most)
    .map(({ path, lines }) => `${path} has ${lines} lines, at most ${most} are allowed: split it`);
}

const EMPTY_NAMES = /^(?:utils?|helpers?|common|misc|types?|shared|stuff)$/;

/** Names of files and of nested folders describe their content. */
export function noEmptyNames(files: readonly SourceFile[]): Violations {
  return files.flatMap(({ path }) => {
    const [, ...names] = path.replace(/(?:\.d)?\.[jt]s$/, '').split('/');
    return names.some((name) => EMPTY_NAMES.test(name))
      ? [`${path} has a name without a meaning: name it after the one noun or verb that it holds`]
      : [];
  });
}

/** Each folder, and each file at the top of `src/`, has a row in the table of docs/architecture.md: `| \`src/hop/\` | its purpose |`. */
export function everyRoomHasARow(files: readonly SourceFile[], table: string): Violations {
  const rooms = new Set(
    files.flatMap(({ path }) => [...foldersOf(path), ...(path.split('/').length === 2 ? [path] : [])]),
  );
  rooms.delete('src/');
  const missing = [...rooms].filter((room) => !rowOf(table, room));
  const gone = [...table.matchAll(/^\| `(src\/[^`]+)` \|/gm)]
    .map(([, room = '']) => room)
    .filter((room) => !rooms.has(room));
  return [
    ...missing.map((room) => `${room} has no row in docs/architecture.md: add "| \`${room}\` | what it is for |"`),
    ...gone.map((room) => `docs/architecture.md has a row for ${room}, which does not exist: remove the row`),
  ];
}

/** The top of the repository holds only these names. */
export function onlyAtTop(names: readonly string[], allowed: readonly string[]): Violations {
  return names
    .filter((name) => !allowed.includes(name))
    .map((name) => `${name} is not allowed at the top of the repository: move it into a folder, or into package.json`);
}

function toRoom(path: string, levels: Levels): { name: string; level: number } | undefined {
  const rooms = levels.flatMap((entries, level) =>
    entries.flatMap((entry) => {
      const pattern = `^src/${entry.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}${entry.endsWith('/') ? '' : '$'}`;
      const [name] = new RegExp(pattern).exec(path) ?? [];
      return name === undefined ? [] : [{ name, level, exactness: entry.includes('*') ? 0 : entry.length }];
    }),
  );
  return rooms.sort((one, other) => other.exactness - one.exactness)[0];
}

function isWithin(path: string, room: string): boolean {
  return room.endsWith('/') ? path.startsWith(room) : path === room;
}

/** `:12`, or '' if the code on that line differs from its text. */
function lineOf({ text }: SourceFile, pattern: RegExp): string {
  const index = text.split('\n').findIndex((line) => pattern.test(line) && !/^\s*(?:\*|\/[/*])/.test(line));
  return index < 0 ? '' : `:${index + 1}`;
}

function foldersOf(path: string): string[] {
  const folder = posix.dirname(path);
  return folder === '.' ? [] : [`${folder}/`, ...foldersOf(folder)];
}

function rowOf(table: string, room: string): boolean {
  return table
    .split('\n')
    .some((line) => line.startsWith(`| \`${room}\` | `) && /\w/.test(line.slice(room.length + 7)));
}
