import type { Pattern } from '../../site/pattern.ts';
import type { Problem } from '../../site/problem.ts';
import type { Target } from '../../target.ts';
import type { IgnoredFile, Project, Reading, Route } from '../dialect.ts';
import { FunctionLimits } from '../limits/function-limits.ts';
import { type Compiled, compile, type Exports } from '../loader/compile.ts';
import { UnreadyTarget } from '../loader/unready-target.ts';
import { AppTarget } from './app-target.ts';
import type { FunctionFile } from './find-files.ts';
import { HandlerTarget } from './handler-target.ts';
import { type Handlers, toHandlers } from './handlers.ts';
import { ignoreListen } from './ignore-listen.ts';
import type { Platform } from './platform.ts';
import { toApp } from './to-app.ts';
import { isCatchAll, toPattern, toText } from './to-pattern.ts';

export interface EntriesRequest {
  readonly project: Project;
  readonly files: readonly FunctionFile[];
  /** What the survey found broken. */
  readonly broken: ReadonlyMap<string, Problem>;
  /** How long the start waits for a module; default: the loader's. */
  readonly loadLimitMs?: number;
}

/** Compiles and loads the entries and makes their routes. Never throws: an entry that does not work costs its own route alone. */
export async function openEntries({ project, files, broken, loadLimitMs }: EntriesRequest): Promise<Reading> {
  const opening = new Opening(project, loadLimitMs);
  const placed = files.flatMap((file) => opening.place(file));
  if (placed.length > 0) await opening.open(placed, broken);
  return opening;
}

interface PlacedFile extends FunctionFile {
  readonly pattern: Pattern;
}

/** The routes of one file. */
type Routes = readonly Route[];

class Opening implements Reading {
  routes: Routes = [];
  readonly ignored: IgnoredFile[] = [];
  readonly problems: Problem[] = [];
  readonly #project: Project;
  readonly #loadLimitMs: number | undefined;
  readonly #platform: Platform;
  readonly #limits: FunctionLimits;
  readonly #firstAt = new Map<string, string>();

  constructor(project: Project, loadLimitMs: number | undefined) {
    this.#project = project;
    this.#loadLimitMs = loadLimitMs;
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

  async open(placed: readonly PlacedFile[], broken: ReadonlyMap<string, Problem>): Promise<void> {
    const files = placed.map(({ path }) => path);
    try {
      const compiled = await compile(this.#project, { files, broken, rewrite: ignoreListen(this.#project) });
      this.problems.push(...compiled.problems);
      const routes = await Promise.all(placed.map((file) => this.#load(compiled, file)));
      this.routes = routes.flat();
    } catch (error) {
      // No file of the user's is to blame, e.g. nothing can be written anywhere.
      this.problems.push({ severity: 'error', file: '', message: `functions cannot be compiled: ${error}` });
      this.routes = placed.map((file) => this.#toUnready(file, error).route);
    }
  }

  async #load(compiled: Compiled, placed: PlacedFile): Promise<Routes> {
    const { path, file } = placed;
    try {
      const loaded = await compiled.load(path, this.#loadLimitMs);
      if (loaded.state === 'ready') return this.#toRoutes(placed, loaded.exports);
      if (loaded.state === 'ahead') return [];
      this.problems.push({ severity: 'error', file, message: 'is still loading; until it has, its route answers 500' });
      return this.#toLate(placed, loaded.later);
    } catch (error) {
      if (!compiled.problems.some((problem) => problem.file === file)) {
        this.problems.push({ severity: 'error', file, message: `throws while it loads: ${describe(error)}` });
      }
      return [this.#toUnready(placed, error).route];
    }
  }

  #toRoutes(placed: PlacedFile, exports: Exports): Routes {
    const { file, segments, pattern } = placed;
    const handlers = toHandlers(exports);
    if (handlers) return [this.#toRoute(placed, this.#toHandlerTarget(file, handlers), methodsOf(handlers))];
    const app = toApp(exports);
    if (!app || !isCatchAll(segments.at(-1))) {
      this.problems.push({ severity: 'warning', file, message: 'exports no function as handler and no app: no route' });
      this.ignored.push({ file, reason: 'exports no function as handler and no app' });
      return [];
    }
    // An app also answers its bare folder, where a handler's catch-all does not reach.
    const bare = pattern.segments.slice(0, -1);
    return [pattern, { text: toText(bare), segments: bare }].map((each) => {
      const parts = { name: file, app, platform: this.#platform, limits: this.#limits, segments: each.segments };
      return this.#toRoute({ ...placed, pattern: each }, new AppTarget(parts));
    });
  }

  #toHandlerTarget(name: string, handlers: Handlers): Target {
    return new HandlerTarget({ name, handlers, platform: this.#platform, limits: this.#limits });
  }

  #toLate(placed: PlacedFile, later: Promise<Exports>): Routes {
    const { route, target } = this.#toUnready(placed, undefined);
    const { log } = this.#project;
    later.then(
      (exports) => {
        const [first] = this.#toRoutes(placed, exports);
        if (first) target.become(first.target);
        log.info('a function that was late has loaded', { target: placed.file });
      },
      (error: unknown) => log.error('a function that was late did not load', { target: placed.file, error }),
    );
    return [route];
  }

  #toUnready(placed: PlacedFile, cause: unknown): { readonly route: Route; readonly target: UnreadyTarget } {
    const target = new UnreadyTarget(placed.file, cause);
    return { route: this.#toRoute(placed, target), target };
  }

  #toRoute({ pattern, file }: PlacedFile, target: Target, methods: Route['methods'] = 'any'): Route {
    return { pattern, methods, target, step: 4, dialect: 'edgeone', file };
  }
}

function methodsOf({ any, byMethod }: Handlers): Route['methods'] {
  return any ? 'any' : [...byMethod.keys()];
}

function withoutUnset(env: Project['env']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
