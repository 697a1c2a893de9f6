import { relative } from 'node:path';
import { toCachedRoutes } from '../../../contract/cache.ts';
import type { IgnoredFile, Reading } from '../../../contract/dialect.ts';
import type { Pattern } from '../../../contract/pattern.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route } from '../../../contract/route.ts';
import type { Params, Target } from '../../../contract/target.ts';
import type { Exports } from '../../loader/compile.ts';
import { type LoadedFunction, loadFunctions } from '../../loader/load-functions.ts';
import type { Survey } from '../../loader/survey.ts';
import { UnreadyTarget } from '../../loader/unready-target.ts';
import { KEY_SERVICE, serveBundledCopies } from '../blobs/bundled-copies.ts';
import { type FunctionFile, mayBeApp } from './find-files.ts';
import type { FunctionKind } from './function-kind.ts';
import { mayName, SourceSearch, type SourceTexts } from './source-search.ts';
import { isCatchAll, toAppPatterns, toPattern } from './to-pattern.ts';

export interface EntriesRequest {
  readonly project: Project;
  readonly kind: FunctionKind;
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
export async function openEntries(request: EntriesRequest): Promise<OpenedEntries> {
  const entries = new Entries(request);
  const files = request.files.flatMap((file) => entries.assignPattern(file));
  if (files.length > 0) await entries.open(files);
  return entries;
}

export interface OpenedEntries extends Reading {
  /** The code creates upload URLs for blobs. */
  readonly usesUploads: boolean;
  /** The files of the site that the entries consist of, as far as their texts show: absolute paths. */
  readonly reached: ReadonlySet<string>;
}

interface EntryFile extends FunctionFile {
  readonly pattern: Pattern;
}

/** The routes of one file. */
type Routes = readonly Route[];

class Entries implements OpenedEntries {
  routes: Routes = [];
  usesUploads = false;
  readonly reached = new Set<string>();
  readonly ignored: IgnoredFile[] = [];
  readonly problems: Problem[] = [];
  readonly #request: EntriesRequest;
  /** The first file of each pattern, by the pattern's text. */
  readonly #firstFiles = new Map<string, string>();
  /** The code of each file, by its absolute path. */
  readonly #sources = new Map<string, SourceTexts>();

  constructor(request: EntriesRequest) {
    this.#request = request;
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
      const reason = `${first} has the same route, ${pattern.text}, and takes precedence`;
      this.ignored.push({ file, reason });
      this.problems.push({ severity: 'warning', file, message: `never answers: ${reason}` });
      return [];
    }
    this.#firstFiles.set(pattern.text, file);
    return [{ ...found, pattern }];
  }

  async open(files: readonly EntryFile[]): Promise<void> {
    const { project, kind, survey, external, loadLimitMs } = this.#request;
    const found = await this.#searchSources(files);
    const { loaded, problems } = await loadFunctions(project, {
      files,
      found: survey?.found,
      external,
      limitMs: loadLimitMs,
    });
    this.problems.push(...problems, ...found);
    const routes = loaded.flatMap(({ entry, outcome }) => this.#toRoutesOf(entry, outcome));
    const own = new Map(files.map(({ file, pattern }) => [file, pattern.text]));
    const isBareFolder = ({ file, pattern }: Route): boolean => own.get(file) !== pattern.text;
    // Routes with the same path are tried in this order: a file with exactly that path, then the
    // app whose bare folder it is.
    const inOrder = [...routes.filter((route) => !isBareFolder(route)), ...routes.filter(isBareFolder)];
    this.routes = kind.isCached ? toCachedRoutes(inOrder, project.withCache) : inOrder;
  }

  /** Reads all code, before any of it is loaded. Resolves with the problems in it. */
  async #searchSources(files: readonly EntryFile[]): Promise<readonly Problem[]> {
    const { project, kind } = this.#request;
    const search = new SourceSearch(this.#request.project);
    const all = new Map<string, string>();
    for (const { path } of files) {
      const source = await search.textsOf(path);
      this.#sources.set(path, source);
      for (const [file, text] of source.byPath) {
        all.set(file, text);
        this.reached.add(file);
      }
    }
    this.usesUploads = [...all.values()].some((text) => text.includes('createUploadUrl'));
    if (!project.ahead) kind.beforeLoad?.();
    return [...(kind.findProblems?.(all) ?? []), ...prepareBundledCopies(project, all)];
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
    const { file, path, segments, pattern } = entry;
    const source = this.#sources.get(path) ?? { byPath: new Map(), isWhole: false };
    const found = this.#request.kind.find({
      file,
      exports,
      text: source.byPath.get(path) ?? '',
      mayName: (name) => mayName(source, name),
      report: (problem) => this.problems.push(problem),
    });
    if (found?.kind === 'handlers') return [this.#toRoute(entry, found.target, found.methods)];
    if (!found || !isCatchAll(segments.at(-1))) {
      const message = 'exports no handler function and no app';
      if (this.#request.kind.mayProtect) {
        this.problems.push({ severity: 'error', file, message: `${message}: its path answers 500` });
        return this.#toUnreadyRoutes(entry, { state: 'failed', cause: new Error(message) });
      }
      this.problems.push({ severity: 'warning', file, message: `${message}: no route` });
      this.ignored.push({ file, reason: 'exports no handler function and no app' });
      return [];
    }
    return toAppPatterns(pattern).map((each) => {
      return this.#toRoute({ ...entry, pattern: each }, found.toTarget(each.segments));
    });
  }

  #toRoute({ pattern, file }: EntryFile, target: Target, methods: Route['methods'] = 'any'): Route {
    const { kind } = this.#request;
    const { step, rank } = kind;
    const own = { pattern: withParamsOf(kind, pattern), ...(rank !== undefined && { rank }) };
    return { ...own, methods, target, step, dialect: 'edgeone', file };
  }
}

/** One warning for each file with a bundled copy of `@edgeone/pages-blob`, whose requests this process answers from now on. */
function prepareBundledCopies(project: Project, texts: ReadonlyMap<string, string>): readonly Problem[] {
  const files = [...texts]
    .filter(([, text]) => text.includes(KEY_SERVICE))
    .map(([path]) => relative(project.root, path));
  if (files.length === 0) return [];
  const isServed = project.ahead !== undefined || serveBundledCopies(project);
  const blobs = isServed
    ? 'whose blobs are those of this site, but createUploadUrl gives URLs of the platform'
    : 'which uses the platform: no storage of this site, or PAGES_BLOB_DEPLOY_CREDENTIAL is set';
  const message = `has a bundled copy of @edgeone/pages-blob, ${blobs}`;
  return files.map((file) => ({ severity: 'warning', file, message }));
}

/** Lets the kind read the params, if there are any. */
function withParamsOf(kind: FunctionKind, pattern: Pattern): Pattern {
  const { segments } = pattern;
  if (!kind.toParams || segments.every((segment) => segment.kind === 'literal')) return pattern;
  return { ...pattern, match: (path) => kind.toParams?.(segments, path) };
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
