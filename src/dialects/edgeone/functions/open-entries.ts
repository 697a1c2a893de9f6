import { inspect } from 'node:util';
import type { IgnoredFile, Reading } from '../../../contract/dialect.ts';
import type { Pattern, PatternSegment } from '../../../contract/pattern.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route } from '../../../contract/route.ts';
import type { Params, Target } from '../../../contract/target.ts';
import { FunctionLimits } from '../../../http/function-limits.ts';
import type { Exports } from '../../loader/compile.ts';
import { type LoadedFunction, loadFunctions } from '../../loader/load-functions.ts';
import type { Survey } from '../../loader/survey.ts';
import { UnreadyTarget } from '../../loader/unready-target.ts';
import { misspeltIn } from '../misspelt-names.ts';
import { AppTarget } from './app-target.ts';
import { type FunctionFile, mayBeApp } from './find-files.ts';
import { HandlerTarget } from './handler-target.ts';
import { type Handlers, toHandlers } from './handlers.ts';
import type { Platform } from './platform.ts';
import { findAgentUses, mayName, SourceSearch } from './source-search.ts';
import { toApp } from './to-app.ts';
import { isCatchAll, toPattern, toText } from './to-pattern.ts';

export interface EntriesRequest {
  readonly project: Project;
  readonly files: readonly FunctionFile[];
  /** Exports of the files, found without running them. */
  readonly survey?: Survey;
  /** Names of packages that may be missing when the site is compiled. */
  readonly external?: ReadonlySet<string>;
  /** Time that the start waits for a module. Default: the loader's. */
  readonly loadLimitMs?: number;
}

/**
 * Compiles and loads the entries and creates their routes. Never throws: an entry that fails
 * affects only its own route.
 */
export async function openEntries(request: EntriesRequest): Promise<Reading> {
  const entries = new Entries(request);
  const files = request.files.flatMap((file) => entries.assignPattern(file));
  if (files.length > 0) await entries.open(files);
  return entries;
}

interface EntryFile extends FunctionFile {
  readonly pattern: Pattern;
}

type BodyMode = NonNullable<Project['body']>;

/** The routes of one file. */
type Routes = readonly Route[];

class Entries implements Reading {
  routes: Routes = [];
  readonly ignored: IgnoredFile[] = [];
  readonly problems: Problem[] = [];
  readonly #request: EntriesRequest;
  readonly #platform: Platform;
  readonly #limits: FunctionLimits;
  /** The first file of each pattern, by the pattern's text. */
  readonly #firstFiles = new Map<string, string>();
  /** Paths of files whose code may read `request.body`. */
  readonly #bodyReaders = new Set<string>();
  /** Texts of the files and of what they import, by absolute path. */
  #texts: ReadonlyMap<string, string> = new Map();

  constructor(request: EntriesRequest) {
    const { project } = request;
    this.#request = request;
    this.#platform = { env: withoutUnset(project.env), region: project.region };
    this.#limits = new FunctionLimits({ ...project.functionLimits, log: project.log });
  }

  /** Empty if the file cannot have a route, or another file has the same one. */
  assignPattern(found: FunctionFile): readonly EntryFile[] {
    const { file, segments } = found;
    const pattern = toPattern(segments);
    if (typeof pattern === 'string') {
      this.problems.push({ severity: 'warning', file, message: pattern });
      this.ignored.push({ file, reason: pattern });
      return [];
    }
    const first = this.#firstFiles.get(pattern.text);
    if (first !== undefined) {
      this.ignored.push({ file, reason: `${first} has the same route, ${pattern.text}, and takes precedence` });
      return [];
    }
    this.#firstFiles.set(pattern.text, file);
    return [{ ...found, pattern }];
  }

  async open(files: readonly EntryFile[]): Promise<void> {
    const { project, survey, external, loadLimitMs } = this.#request;
    const { loaded, problems } = await loadFunctions(project, {
      files,
      found: survey?.found,
      external,
      limitMs: loadLimitMs,
    });
    this.problems.push(...problems);
    await this.#searchSources(files);
    const routes = loaded.flatMap(({ entry, outcome }) => this.#toRoutesOf(entry, outcome));
    const own = new Map(files.map(({ file, pattern }) => [file, pattern.text]));
    const isBareFolder = ({ file, pattern }: Route): boolean => own.get(file) !== pattern.text;
    // Routes with the same path are tried in this order: a file with exactly that path, then the
    // app whose bare folder it is.
    this.routes = [...routes.filter((route) => !isBareFolder(route)), ...routes.filter(isBareFolder)];
  }

  async #searchSources(files: readonly EntryFile[]): Promise<void> {
    const search = new SourceSearch();
    const all = new Map<string, string>();
    for (const { path } of files) {
      const texts = await search.textsOf(path);
      if (mayName(texts, 'body')) this.#bodyReaders.add(path);
      for (const [file, text] of texts.byPath) all.set(file, text);
    }
    this.#texts = all;
    this.problems.push(...findAgentUses(this.#request.project.root, all));
  }

  #toRoutesOf(entry: EntryFile, outcome: LoadedFunction): Routes {
    if (outcome.state === 'ahead') return [];
    if (outcome.state !== 'ready') return this.#toUnreadyRoutes(entry, outcome);
    try {
      return this.#toRoutes(entry, outcome.exports);
    } catch (cause) {
      // Exports may be getters, proxies or app methods, which run code of the user.
      const message = `its exports cannot be used: ${cause instanceof Error ? cause.message : cause}`;
      this.problems.push({ severity: 'error', file: entry.file, message });
      return this.#toUnreadyRoutes(entry, { state: 'failed', cause });
    }
  }

  /** Routes of a file that failed to load, or is still loading. */
  #toUnreadyRoutes(entry: EntryFile, outcome: Extract<LoadedFunction, { state: 'failed' | 'late' }>): Routes {
    const cause = outcome.state === 'failed' ? outcome.cause : undefined;
    const isApp = mayBeApp(entry, this.#request.survey);
    const waiting = (isApp ? toAppPatterns(entry.pattern) : [entry.pattern]).map((pattern) => {
      const target = new UnreadyTarget(entry.file, cause);
      return { target, route: this.#toRoute({ ...entry, pattern }, target) };
    });
    if (outcome.state === 'late') {
      const become = (exports: Exports): void => {
        const routes = this.#toRoutes(entry, exports);
        for (const { target, route } of waiting) {
          const loaded = routes.find(({ pattern }) => pattern.text === route.pattern.text);
          target.become(loaded ? narrowToPattern(loaded) : NO_ROUTE);
        }
      };
      outcome.later.then(become).catch((error: unknown) => {
        for (const { target } of waiting) target.fail(error);
      });
    }
    return waiting.map(({ route }) => route);
  }

  #toRoutes(entry: EntryFile, exports: Exports): Routes {
    const { file, segments, pattern } = entry;
    const handlers = toHandlers(exports);
    if (handlers) {
      const target = this.#toHandlerTarget(entry, handlers, this.#bodyModeOf(entry, exports));
      return [this.#toRoute(entry, target, methodsOf(handlers))];
    }
    const app = toApp(exports);
    if (!app || !isCatchAll(segments.at(-1))) {
      this.problems.push({ severity: 'warning', file, message: 'exports no handler function and no app: no route' });
      this.ignored.push({ file, reason: 'exports no handler function and no app' });
      return [];
    }
    return toAppPatterns(pattern).map((each) => {
      const parts = { name: file, app, platform: this.#platform, limits: this.#limits, segments: each.segments };
      return this.#toRoute({ ...entry, pattern: each }, new AppTarget(parts));
    });
  }

  /**
   * The body is read before the call only if the code may use it: other functions must not wait for
   * an upload.
   */
  #toHandlerTarget({ file, path }: EntryFile, handlers: Handlers, bodyMode: BodyMode): Target {
    const preparesBody = bodyMode === 'parsed' && this.#bodyReaders.has(path);
    return new HandlerTarget({ name: file, handlers, platform: this.#platform, limits: this.#limits, preparesBody });
  }

  #bodyModeOf({ file, path }: EntryFile, { config }: Exports): BodyMode {
    const text = this.#texts.get(path) ?? '';
    this.problems.push(...misspeltIn(Object.keys(Object(config)), ['body'], { file, text }));
    const { body: standard = 'parsed' } = this.#request.project;
    const own = typeof config === 'object' && config !== null && 'body' in config ? config.body : standard;
    if (own === 'parsed' || own === 'stream') return own;
    const message = `config.body must be "parsed" or "stream", got ${inspect(own)}; "${standard}" is used`;
    this.problems.push({ severity: 'warning', file, message });
    return standard;
  }

  #toRoute({ pattern, file }: EntryFile, target: Target, methods: Route['methods'] = 'any'): Route {
    return { pattern, methods, target, step: 4, dialect: 'edgeone', file };
  }
}

/**
 * Unlike a handler's catch-all, an app also answers its bare folder, and its pattern matches empty
 * segments.
 */
function toAppPatterns({ text, segments }: Pattern): readonly Pattern[] {
  const bare = segments.slice(0, -1);
  return [
    { text, segments: segments.map(withEmpty) },
    { text: toText(bare), segments: bare },
  ];
}

function withEmpty(segment: PatternSegment): PatternSegment {
  return segment.kind === 'catch-all' ? { ...segment, orNone: true } : segment;
}

/** Replaces the target of a file that loaded late and has no route with this pattern. */
const NO_ROUTE: Target = { name: 'no function', answer: () => 'passed' };

/**
 * The target of a file that loaded late. Until then its route had the pattern of an app, which
 * matches more paths than that of a handler; those paths are passed.
 */
function narrowToPattern({ target, pattern }: Route): Target {
  const last = pattern.segments.at(-1);
  if (last?.kind !== 'catch-all' || last.orNone) return target;
  const isMatch = ({ [last.name]: rest = [] }: Params): boolean => Boolean(rest[0]);
  return {
    name: target.name,
    answer: async (exchange, params) => (isMatch(params) ? target.answer(exchange, params) : 'passed'),
  };
}

function methodsOf({ any, byMethod }: Handlers): Route['methods'] {
  return any ? 'any' : [...byMethod.keys()];
}

function withoutUnset(env: Project['env']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
