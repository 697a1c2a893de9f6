import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { IgnoredFile } from '../../../contract/dialect.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import { survey } from '../../loader/survey.ts';
import { type ConfigValues, mergeValues } from '../config/config-values.ts';
import type { NetlifyToml } from '../config/netlify-toml.ts';
import { findNameless, valuesFor } from '../config/toml-functions.ts';
import { checkConfig } from './check-config.ts';
import type { Declaration } from './declaration.ts';
import { findEvent } from './event-names.ts';
import { type Candidate, listCandidates } from './list-candidates.ts';
import { readSidecar, type Sidecar } from './sidecar.ts';
import { readSource, type SourceReading } from './source-config.ts';

export interface Findings {
  /** The user's functions before those of frameworks, then by name. */
  readonly declarations: readonly Declaration[];
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
  /**
   * Warnings about files that the parser could not read. Reported only for files that the compiler
   * accepts.
   */
  readonly unread: readonly Problem[];
  /** By file that exports no function: the export that is most likely meant as one. Not among the problems. */
  readonly misspelt: ReadonlyMap<string, Problem>;
  /** Of each file that the parser could not read, the declaration that its text shows. */
  readonly salvaged: ReadonlyMap<string, Salvaged>;
}

export interface Salvaged {
  readonly declaration: Declaration;
  /** Its text has a path that cannot be read. */
  readonly lacksPath: boolean;
}

/** The default folder of functions. */
export const DEFAULT_FOLDER = 'netlify/functions';

/**
 * Finds the functions of a site and reads the settings of each, without running any. Never rejects
 * because of the content of the user's files.
 */
export async function findFunctions(project: Project, toml: NetlifyToml): Promise<Findings> {
  const search = new Search(project, toml);
  await search.run();
  return search;
}

/**
 * The folders where frameworks generate functions. If a name is in both, the second, newer folder
 * takes precedence.
 */
const GENERATED_FOLDERS = ['.netlify/v1/functions', '.netlify/functions-internal'];

interface Location {
  readonly folder: string;
  readonly generated: boolean;
}

interface Found extends Candidate, Location {}

interface Read extends Found {
  readonly path: string;
  readonly source: SourceReading;
  /** Only for generated functions. */
  readonly sidecar: Sidecar | undefined;
}

class Search implements Findings {
  declarations: readonly Declaration[] = [];
  readonly ignored: IgnoredFile[] = [];
  readonly problems: Problem[] = [];
  readonly unread: Problem[] = [];
  readonly misspelt = new Map<string, Problem>();
  readonly salvaged = new Map<string, Salvaged>();
  readonly #project: Project;
  readonly #toml: NetlifyToml;

  constructor(project: Project, toml: NetlifyToml) {
    this.#project = project;
    this.#toml = toml;
  }

  async run(): Promise<void> {
    const found = this.#choose(await this.#listAll());
    const names = found.map(({ name }) => name);
    this.problems.push(...findNameless(this.#toml.settings, names));
    const read = await Promise.all(found.map((each) => this.#read(each)));
    const generations = await this.#settleGenerations(read);
    this.declarations = read.flatMap((each) => this.#declare(each, generations.get(each) ?? 'lambda'));
  }

  async #listAll(): Promise<readonly Found[]> {
    const { functionsFolder } = this.#toml;
    const locations = [
      { folder: functionsFolder ?? DEFAULT_FOLDER, generated: false },
      ...GENERATED_FOLDERS.map((folder) => ({ folder, generated: true })),
    ];
    const lists = await Promise.all(locations.map(({ folder }) => listCandidates(this.#project.root, folder)));
    this.ignored.push(...lists.flatMap(({ ignored }) => ignored));
    this.problems.push(...lists.flatMap(({ problems }) => problems));
    return locations.flatMap((location, index) =>
      (lists[index]?.candidates ?? []).map((each) => ({ ...each, ...location })),
    );
  }

  /** The first candidate of each name, if the name is valid; sorted by name. */
  #choose(candidates: readonly Found[]): readonly Found[] {
    const winners = new Map<string, Found>();
    for (const candidate of candidates) {
      const { name, file } = candidate;
      const winner = winners.get(name);
      const mistake = checkName(name);
      if (winner) this.#report(candidate, winner);
      else if (mistake === undefined) winners.set(name, candidate);
      else {
        this.ignored.push({ file, reason: mistake });
        this.#warn(file, mistake);
      }
    }
    return [...winners.values()].toSorted(
      (left, right) => Number(left.generated) - Number(right.generated) || (left.name < right.name ? -1 : 1),
    );
  }

  #report({ name, file, folder }: Found, winner: Found): void {
    const reason = `is not used: ${winner.file} has the same name, ${name}`;
    this.ignored.push({ file, reason });
    // No warning for different folders: a user's function is meant to override a generated one.
    if (folder === winner.folder) this.#warn(file, reason);
  }

  async #read(found: Found): Promise<Read> {
    const path = join(this.#project.root, found.file);
    // A broken link keeps its path; reading it reports the error.
    const real = await realpath(path).catch(() => path);
    const { file, name, generated } = found;
    const [source, sidecar] = await Promise.all([
      readSource(this.#project, { path: real, file }),
      generated ? readSidecar(this.#project.root, file, name) : undefined,
    ]);
    return { ...found, path: real, source, sidecar };
  }

  /** If the source does not show the generation, the exports that the compiler found do. */
  async #settleGenerations(read: readonly Read[]): Promise<ReadonlyMap<Read, Declaration['generation']>> {
    const undecided = read.filter(({ source }) => source.generation === undefined);
    const { looks } = undecided.length > 0 ? await this.#survey(undecided) : { looks: new Map() };
    return new Map(
      read.map((each) => {
        const names: ReadonlySet<string> = looks.get(each.path)?.names ?? new Set();
        const generation = !names.has('handler') && names.has('default') ? 'modern' : 'lambda';
        return [each, each.source.generation ?? generation] as const;
      }),
    );
  }

  async #survey(undecided: readonly Read[]): ReturnType<typeof survey> {
    return survey(
      this.#project,
      undecided.map(({ path }) => path),
    );
  }

  /** An empty list for a function that must have no route. */
  #declare(
    { name, file, path, generated, source, sidecar }: Read,
    generation: Declaration['generation'],
  ): readonly Declaration[] {
    const ownValues: ConfigValues = generation === 'modern' ? source.config : source.wrapper;
    const others = [valuesFor(name, this.#toml.settings), sidecar?.values ?? new Map()];
    const { config, problems } = checkConfig(name, mergeValues(...others, ownValues));
    this.problems.push(...source.problems, ...(sidecar?.problems ?? []), ...problems);
    if (source.unread) this.unread.push(source.unread);
    if (source.misspelt) this.misspelt.set(file, source.misspelt);
    const parts = { name, file, path, generated };
    if (config && source.salvaged) {
      const shown = source.salvaged === 'lost' ? undefined : checkConfig(name, mergeValues(...others, source.salvaged));
      const declaration: Declaration = { ...parts, generation: 'modern', config: shown?.config ?? config };
      this.salvaged.set(file, { declaration, lacksPath: !shown?.config });
    }
    if (config) return [{ ...parts, generation, config }];
    this.ignored.push({ file, reason: 'its settings are wrong' });
    return [];
  }

  #warn(file: string, message: string): void {
    this.problems.push({ severity: 'warning', file, message });
  }
}

/** Why a function cannot have this name, as the rest of a sentence; undefined if it can. */
function checkName(name: string): string | undefined {
  if (RESERVED.has(name)) return 'has a name that Netlify reserves';
  if (!/^[\w-]+$/.test(name)) {
    return `has the name ${JSON.stringify(name)}: only letters, digits, "-" and "_" may be in the name of a function`;
  }
  const event = findEvent(name);
  return !event || event.happens
    ? undefined
    : `handles ${event.functionName}, an event that nexthop does not have: it is never called`;
}

/** The names of the platform's own entry files. */
const RESERVED: ReadonlySet<string> = new Set([
  '___netlify-entry-point',
  '___netlify-bootstrap',
  '___netlify-telemetry',
]);
