import type { Dialect, Route } from '../dialects/dialect.ts';
import type { Conflict } from '../site/conflict.ts';
import { type Problem, toPlace } from '../site/problem.ts';
import type { Site } from '../site/site.ts';
import { LOOKS_FOR } from '../static/find-folder.ts';
import { toListed } from './routes-listed.ts';

/** What `routes` has to tell. */
export interface Listing {
  /** Absolute path of the site. */
  readonly root: string;
  readonly site: Site;
  /** What was said while the site was read. */
  readonly notes: readonly string[];
  readonly dialects: readonly Dialect[];
}

/** The listing for people, line by line; a part that has nothing to tell is left out. */
export function toTable({ root, site, notes, dialects }: Listing): readonly string[] {
  return [
    `site ${inOneLine(root)}`,
    ...(site.routes.length > 0 ? part('routes', routeRows(site.routes)) : noRoutes(dialects)),
    ...part('conflicts', site.conflicts.map(conflictRow)),
    ...part(
      'ignored',
      site.ignored.map(({ file, reason }) => [file, reason]),
    ),
    ...part('problems', site.problems.map(problemRow)),
    ...part(
      'notes',
      notes.map((note) => [note]),
    ),
  ];
}

function routeRows(routes: readonly Route[]): readonly (readonly string[])[] {
  return [
    ['order', 'methods', 'pattern', 'file', 'dialect'],
    ...toListed(routes).map(({ methods, pattern, file, files, dialect }, index) => [
      String(index + 1),
      spell(methods),
      files === undefined ? pattern : spellCount(files),
      files === undefined ? file : `${file}/`,
      dialect,
    ]),
  ];
}

function spellCount(files: number): string {
  return files === 1 ? '1 file' : `${files} files`;
}

function spell(methods: Route['methods']): string {
  return methods === 'any' ? 'any' : methods.join(',');
}

function noRoutes(dialects: readonly Dialect[]): readonly string[] {
  const places = [...dialects.map(placeRow), ['files', LOOKS_FOR]];
  return ['', 'no routes: every request goes to the next hop', ...part('looked for', places)];
}

function placeRow({ name, looksFor }: Dialect): readonly string[] {
  return [name, looksFor];
}

function conflictRow({ first, second, methods }: Conflict): readonly string[] {
  const requests = methods === 'any' ? second.pattern.text : `${spell(methods)} ${second.pattern.text}`;
  return [requests, `${second.file} answers only what ${first.file} passes on`];
}

function problemRow(problem: Problem): readonly string[] {
  return [`${toPlace(problem)} ${problem.severity}: ${problem.message}`];
}

function part(title: string, rows: readonly (readonly string[])[]): readonly string[] {
  return rows.length > 0 ? ['', title, ...align(rows)] : [];
}

const GAP = '  ';

/** Columns as wide as their longest cell; the last one ends where its text does. */
function align(rows: readonly (readonly string[])[]): readonly string[] {
  const lines = rows.map((row) => row.map(inOneLine));
  const widths = lines.reduce<readonly number[]>(
    (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
    [],
  );
  return lines.map(
    (row) =>
      GAP +
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(GAP)
        .trimEnd(),
  );
}

/** Names of files and messages of compilers may hold anything, also what a terminal obeys. */
function inOneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ').replaceAll(/\p{Cc}/gu, escapeControl);
}

function escapeControl(control: string): string {
  return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
