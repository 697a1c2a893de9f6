import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { IgnoredFile } from '../../../contract/dialect.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import { survey } from '../../loader/survey.ts';
import { type ConfigValues, mergeValues } from '../config/config-values.ts';
import type { NetlifyToml } from '../config/netlify-toml.ts';
import { valuesFor } from '../config/toml-functions.ts';
import { checkConfig } from './check-config.ts';
import type { Declaration } from './declaration.ts';
import { type Candidate, listCandidates } from './list-candidates.ts';
import { readSidecar, type Sidecar } from './sidecar.ts';
import { readSource, type SourceReading } from './source-config.ts';

export interface Findings {
  /** A user's own before those of frameworks, then by name. */
  readonly declarations: readonly Declaration[];
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
  /** Files whose text says nothing: to be told of each that compiles all the same. */
  readonly unread: readonly Problem[];
}

/** Where functions are when nothing is set. */
const DEFAULT_FOLDER = 'netlify/functions';

/** Finds the functions of a site and reads what is set for each, without running any. Never rejects for what stands in the user's files. */
export async function findFunctions(project: Project, toml: NetlifyToml): Promise<Findings> {
  const search = new Search(project, toml);
  await search.visit();
  return search;
}

/** Where frameworks put functions; the second is the newer one, and wins. */
const GENERATED_FOLDERS = ['.netlify/v1/functions', '.netlify/functions-internal'];

interface Location {
  readonly folder: string;
  readonly generated: boolean;
}

interface Found extends Candidate, Location {}

interface Read extends Found {
  readonly path: string;
  readonly source: SourceReading;
  /** Of frameworks' functions alone. */
  readonly sidecar: Sidecar | undefined;
}

class Search implements Findings {
  declarations: readonly Declaration[] = [];
  readonly ignored: IgnoredFile[] = [];
  readonly problems: Problem[] = [];
  readonly unread: Problem[] = [];
  readonly #project: Project;
  readonly #toml: NetlifyToml;

  constructor(project: Project, toml: NetlifyToml) {
    this.#project = project;
    this.#toml = toml;
  }

  async visit(): Promise<void> {
    const found = this.#choose(await this.#listAll());
    const read = await Promise.all(found.map((each) => this.#read(each)));
    const generations = await this.#settleGenerations(read);
    this.declarations = read.flatMap((each) => this.#declare(each, generations.get(each) ?? 'lambda'));
  }

  async #listAll(): Promise<readonly Found[]> {
    const { functionsFolder } = this.#toml;
    const places = [
      { folder: functionsFolder ?? DEFAULT_FOLDER, generated: false },
      ...GENERATED_FOLDERS.map((folder) => ({ folder, generated: true })),
    ];
    const lists = await Promise.all(places.map(({ folder }) => listCandidates(this.#project.root, folder)));
    this.ignored.push(...lists.flatMap(({ ignored }) => ignored));
    this.problems.push(...lists.flatMap(({ problems }) => problems));
    return places.flatMap((place, index) => (lists[index]?.candidates ?? []).map((each) => ({ ...each, ...place })));
  }

  /** The first of each name, if that is one; by name. */
  #choose(candidates: readonly Found[]): readonly Found[] {
    const winners = new Map<string, Found>();
    for (const candidate of candidates) {
      const { name, file } = candidate;
      const winner = winners.get(name);
      const complaint = checkName(name);
      if (winner) this.#report(candidate, winner);
      else if (complaint === undefined) winners.set(name, candidate);
      else {
        this.ignored.push({ file, reason: complaint });
        this.#warn(file, complaint);
      }
    }
    return [...winners.values()].toSorted(
      (left, right) => Number(left.generated) - Number(right.generated) || (left.name < right.name ? -1 : 1),
    );
  }

  #report({ name, file, folder }: Found, winner: Found): void {
    const reason = `gives way to ${winner.file}, which has the same name, ${name}`;
    this.ignored.push({ file, reason });
    // That one's own function comes before the framework's is what the order is for.
    if (folder === winner.folder) this.#warn(file, reason);
  }

  async #read(found: Found): Promise<Read> {
    const path = join(this.#project.root, found.file);
    // A link to nowhere stays as it is; reading it will tell.
    const real = await realpath(path).catch(() => path);
    const { file, name, generated } = found;
    const [source, sidecar] = await Promise.all([
      readSource(real, file),
      generated ? readSidecar(this.#project.root, file, name) : undefined,
    ]);
    return { ...found, path: real, source, sidecar };
  }

  /** Where the text alone does not tell, the compiler knows the names that are exported. */
  async #settleGenerations(read: readonly Read[]): Promise<ReadonlyMap<Read, Declaration['generation']>> {
    const open = read.filter(({ source }) => source.generation === undefined);
    const { looks } = open.length > 0 ? await this.#survey(open) : { looks: new Map() };
    return new Map(
      read.map((each) => {
        const names: ReadonlySet<string> = looks.get(each.path)?.names ?? new Set();
        const found = !names.has('handler') && names.has('default') ? 'modern' : 'lambda';
        return [each, each.source.generation ?? found] as const;
      }),
    );
  }

  async #survey(open: readonly Read[]): ReturnType<typeof survey> {
    return survey(
      this.#project,
      open.map(({ path }) => path),
    );
  }

  /** None for one that must not be reached. */
  #declare(
    { name, file, path, generated, source, sidecar }: Read,
    generation: Declaration['generation'],
  ): readonly Declaration[] {
    const ownValues: ConfigValues = generation === 'modern' ? source.config : source.wrapper;
    const values = mergeValues(valuesFor(name, this.#toml.settings), sidecar?.values ?? new Map(), ownValues);
    const { config, problems } = checkConfig(name, values);
    this.problems.push(...source.problems, ...(sidecar?.problems ?? []), ...problems);
    if (source.unread) this.unread.push(source.unread);
    if (config) return [{ name, file, path, generated, generation, config }];
    this.ignored.push({ file, reason: 'what is set for it is wrong' });
    return [];
  }

  #warn(file: string, message: string): void {
    this.problems.push({ severity: 'warning', file, message });
  }
}

/** Why there can be no function of a name, as the rest of a sentence; undefined if there can. */
function checkName(name: string): string | undefined {
  if (RESERVED.has(name)) return 'has a name that Netlify keeps for itself';
  if (!/^[\w-]+$/.test(name)) {
    return `has the name ${JSON.stringify(name)}: only letters, digits, "-" and "_" may be in the name of a function`;
  }
  if (!EVENTS.has(name.replace(/-background$/, ''))) return undefined;
  return 'has the name of an event of Netlify: nobody but Netlify may call it, so that it is not reached here';
}

/** Of the platform's own entry files. */
const RESERVED: ReadonlySet<string> = new Set([
  '___netlify-entry-point',
  '___netlify-bootstrap',
  '___netlify-telemetry',
]);

/** The platform signs these and refuses requests from outside; what they do (roles of a new user, …) is not for everybody. */
const EVENTS: ReadonlySet<string> = new Set([
  ...['deploy-building', 'deploy-succeeded', 'deploy-failed', 'deploy-deleted', 'deploy-locked', 'deploy-unlocked'],
  ...['split-test-activated', 'split-test-deactivated', 'split-test-modified', 'submission-created'],
  ...['identity-validate', 'identity-signup', 'identity-login'],
]);
