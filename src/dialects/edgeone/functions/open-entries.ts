import { relative } from 'node:path';
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
import type { Rewrite } from '../../loader/source-files.ts';
import type { Survey } from '../../loader/survey.ts';
import { UnreadyTarget } from '../../loader/unready-target.ts';
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
  /** What is known of the files without running them. */
  readonly survey?: Survey;
  /** Names of packages that are brought along elsewhere. */
  readonly external?: ReadonlySet<string>;
  /** How long the start waits for a module; default: the loader's. */
  readonly loadLimitMs?: number;
}

/** Compiles and loads the entries and makes their routes. Never throws: an entry that does not work costs its own route alone. */
export async function openEntries(request: EntriesRequest): Promise<Reading> {
  const opening = new Opening(request);
  const placed = request.files.flatMap((file) => opening.place(file));
  if (placed.length > 0) await opening.open(placed);
  return opening;
}

interface PlacedFile extends FunctionFile {
  readonly pattern: Pattern;
}

type BodyMode = NonNullable<Project['body']>;

/** The routes of one file. */
type Routes = readonly Route[];

class Opening implements Reading {
  routes: Routes = [];
  readonly ignored: IgnoredFile[] = [];
  readonly problems: Problem[] = [];
  readonly #request: EntriesRequest;
  readonly #platform: Platform;
  readonly #limits: FunctionLimits;
  readonly #firstAt = new Map<string, string>();
  /** Paths of files whose code may read `request.body`. */
  readonly #bodyReaders = new Set<string>();

  constructor(request: EntriesRequest) {
    const { project } = request;
    this.#request = request;
    this.#platform = { env: withoutUnset(project.env), region: project.region };
    this.#limits = new FunctionLimits({ ...project.functionLimits, log: project.log });
  }

  /** None for a file that cannot have a route or whose route another file has. */
  place(found: FunctionFile): readonly PlacedFile[] {
    const { file, segments } = found;
    const pattern = toPattern(segments);
    if (typeof pattern === 'string') {
      this.problems.push({ severity: 'warning', file, message: pattern });
      this.ignored.push({ file, reason: pattern });
      return [];
    }
    const first = this.#firstAt.get(pattern.text);
    if (first !== undefined) {
      this.ignored.push({ file, reason: `${first} has the same route, ${pattern.text}, and comes first` });
      return [];
    }
    this.#firstAt.set(pattern.text, file);
    return [{ ...found, pattern }];
  }

  async open(files: readonly PlacedFile[]): Promise<void> {
    const { project, survey, external, loadLimitMs } = this.#request;
    const { loaded, problems } = await loadFunctions(project, {
      files,
      found: survey?.found,
      external,
      rewrite: ignoreListen(project),
      limitMs: loadLimitMs,
    });
    this.problems.push(...problems);
    await this.#lookAtCode(files);
    const routes = loaded.flatMap(({ entry, outcome }) => this.#take(entry, outcome));
    const own = new Map(files.map(({ file, pattern }) => [file, pattern.text]));
    const isBareFolder = ({ file, pattern }: Route): boolean => own.get(file) !== pattern.text;
    // Of two routes with one path the first is asked first: a file with just that path before an app of which it is the bare folder.
    this.routes = [...routes.filter((route) => !isBareFolder(route)), ...routes.filter(isBareFolder)];
  }

  async #lookAtCode(files: readonly PlacedFile[]): Promise<void> {
    const search = new SourceSearch();
    const all = new Map<string, string>();
    for (const { path } of files) {
      const texts = await search.textsOf(path);
      if (mayName(texts, 'body')) this.#bodyReaders.add(path);
      for (const [file, text] of texts.byPath) all.set(file, text);
    }
    this.problems.push(...findAgentUses(this.#request.project.root, all));
  }

  #take(placed: PlacedFile, outcome: LoadedFunction): Routes {
    if (outcome.state === 'ahead') return [];
    if (outcome.state !== 'ready') return this.#hold(placed, outcome);
    try {
      return this.#toRoutes(placed, outcome.exports);
    } catch (cause) {
      // Getters, proxies and methods of apps are code of users, too.
      const message = `its exports cannot be used: ${cause instanceof Error ? cause.message : cause}`;
      this.problems.push({ severity: 'error', file: placed.file, message });
      return this.#hold(placed, { state: 'failed', cause });
    }
  }

  /** The routes of a file that does not work, or not yet. */
  #hold(placed: PlacedFile, outcome: Extract<LoadedFunction, { state: 'failed' | 'late' }>): Routes {
    const cause = outcome.state === 'failed' ? outcome.cause : undefined;
    const isApp = mayBeApp(placed, this.#request.survey);
    const waiting = (isApp ? toAppPatterns(placed.pattern) : [placed.pattern]).map((pattern) => {
      const target = new UnreadyTarget(placed.file, cause);
      return { target, route: this.#toRoute({ ...placed, pattern }, target) };
    });
    if (outcome.state === 'late') {
      const become = (exports: Exports): void => {
        const routes = this.#toRoutes(placed, exports);
        for (const { target, route } of waiting) {
          const known = routes.find(({ pattern }) => pattern.text === route.pattern.text);
          target.become(known ? narrowToPattern(known) : NOTHING_HERE);
        }
      };
      outcome.later.then(become).catch((error: unknown) => {
        for (const { target } of waiting) target.fail(error);
      });
    }
    return waiting.map(({ route }) => route);
  }

  #toRoutes(placed: PlacedFile, exports: Exports): Routes {
    const { file, segments, pattern } = placed;
    const handlers = toHandlers(exports);
    if (handlers) {
      const target = this.#toHandlerTarget(placed, handlers, this.#bodyModeOf(file, exports));
      return [this.#toRoute(placed, target, methodsOf(handlers))];
    }
    const app = toApp(exports);
    if (!app || !isCatchAll(segments.at(-1))) {
      this.problems.push({ severity: 'warning', file, message: 'exports no function as handler and no app: no route' });
      this.ignored.push({ file, reason: 'exports no function as handler and no app' });
      return [];
    }
    return toAppPatterns(pattern).map((each) => {
      const parts = { name: file, app, platform: this.#platform, limits: this.#limits, segments: each.segments };
      return this.#toRoute({ ...placed, pattern: each }, new AppTarget(parts));
    });
  }

  /** The body is read ahead only for code that may want it: any other function must not wait for an upload. */
  #toHandlerTarget({ file, path }: PlacedFile, handlers: Handlers, bodyMode: BodyMode): Target {
    const preparesBody = bodyMode === 'parsed' && this.#bodyReaders.has(path);
    return new HandlerTarget({ name: file, handlers, platform: this.#platform, limits: this.#limits, preparesBody });
  }

  #bodyModeOf(file: string, { config }: Exports): BodyMode {
    const { body: usual = 'parsed' } = this.#request.project;
    const own = typeof config === 'object' && config !== null && 'body' in config ? config.body : usual;
    if (own === 'parsed' || own === 'stream') return own;
    const message = `config.body must be "parsed" or "stream", got ${inspect(own)}; it is ${usual}`;
    this.problems.push({ severity: 'warning', file, message });
    return usual;
  }

  #toRoute({ pattern, file }: PlacedFile, target: Target, methods: Route['methods'] = 'any'): Route {
    return { pattern, methods, target, step: 4, dialect: 'edgeone', file };
  }
}

/** An app also answers its bare folder, where a handler's catch-all does not reach, and passes over empty segments. */
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

/** In the place of a file that has loaded late and turned out to have no route there. */
const NOTHING_HERE: Target = { name: 'no function', answer: async () => 'passed' };

/** While it was not known what the file is, its route was that of an app, which takes more than that of a handler. */
function narrowToPattern({ target, pattern }: Route): Target {
  const last = pattern.segments.at(-1);
  if (last?.kind !== 'catch-all' || last.orNone) return target;
  const isReached = ({ [last.name]: rest = [] }: Params): boolean => Boolean(rest[0]);
  return {
    name: target.name,
    answer: async (exchange, params) => (isReached(params) ? target.answer(exchange, params) : 'passed'),
  };
}

function methodsOf({ any, byMethod }: Handlers): Route['methods'] {
  return any ? 'any' : [...byMethod.keys()];
}

function withoutUnset(env: Project['env']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

const LISTEN = /(?<![\w$.])app\.listen(?=\s*\()/g;

/**
 * Makes `app.listen(…)` do nothing, as the platform does for a variable of just this name: the app is served by the edge, which opens no
 * other port. Says so once for each file. `valueOf` returns the app whatever it is given, and may stand wherever `listen` may.
 */
function ignoreListen({ root, log }: Project): Rewrite {
  const told = new Set<string>();
  return (text, file) => {
    const changed = text.replace(LISTEN, 'app.valueOf');
    if (changed !== text && !told.has(file)) {
      told.add(file);
      log.info('app.listen() does nothing here: the edge serves the app', { target: relative(root, file) });
    }
    return changed;
  };
}
