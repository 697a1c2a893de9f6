import { relative } from 'node:path';
import { Fault } from '../../contract/fault.ts';
import type { JobRule } from '../../contract/job-rule.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Project } from '../../contract/project.ts';
import type { Route } from '../../contract/route.ts';
import type { Exports } from '../loader/compile.ts';
import { type LoadedFunction, loadFunctions } from '../loader/load-functions.ts';
import { isImported } from '../loader/near-paths.ts';
import type { DeployBlobs } from './blobs/fetch-guard.ts';
import type { OpenedBlobs } from './blobs/open-blobs.ts';
import { dependsOnBlobs, mayUseBlobs } from './blobs/uses-blobs.ts';
import { installGlobals } from './call/globals.ts';
import type { Run } from './call/invocation.ts';
import { toLambdaRun } from './call/lambda-run.ts';
import { defaultOf, toModernRun } from './call/modern-run.ts';
import { type Platform, toPlatform } from './call/platform.ts';
import type { Subscription } from './events/event-rule.ts';
import { toEventRun } from './events/event-run.ts';
import type { Declaration } from './find/declaration.ts';
import { findEvent, findMethods } from './find/event-names.ts';
import type { DeployFile } from './find/find-deploy-files.ts';
import type { Findings, Salvaged } from './find/find-functions.ts';
import { type FunctionParts, toEntryPoints, toMethodEntries } from './function-targets.ts';
import { toRoutes } from './to-routes.ts';

export interface OpenedFunctions {
  readonly routes: readonly Route[];
  readonly jobRules: readonly JobRule[];
  /** The functions that handle events. */
  readonly subscriptions: readonly Subscription[];
  readonly problems: readonly Problem[];
}

export interface FoundCode extends Pick<Findings, 'declarations' | 'unread'>, Partial<Pick<Findings, 'salvaged'>> {
  /** Default: none. */
  readonly misspelt?: Findings['misspelt'];
  /** Default: none. */
  readonly deployFiles?: readonly DeployFile[];
}

export interface OpeningOptions {
  /** How long the start waits for a module, in milliseconds; default: the limit of the loader. */
  readonly loadLimitMs?: number;
}

/**
 * Compiles and loads the functions that were found, and creates their routes and job rules. Rejects
 * only with an UnfitBlobStorage: a function that does not compile or load affects only its own
 * routes.
 */
export async function openFunctions(
  project: Project,
  { declarations, unread, misspelt, salvaged, deployFiles = [] }: FoundCode,
  { loadLimitMs }: OpeningOptions = {},
): Promise<OpenedFunctions> {
  if (declarations.length === 0) return { routes: [], jobRules: [], subscriptions: [], problems: [] };
  // Functions may use the globals while they load. With `ahead` no function is loaded.
  if (!project.ahead) installGlobals(project);
  const external = new Set(declarations.flatMap(({ config }) => config.externalPackages ?? []));
  let opened: OpenedBlobs | undefined;
  const beforeLoad = async (code: string): Promise<void> => {
    if (!mayUseBlobs(code) && deployFiles.length === 0 && !(await dependsOnBlobs(project.root))) return;
    const { openBlobs } = await import('./blobs/open-blobs.ts');
    opened = await openBlobs(project, code, deployFiles);
  };
  const request = { files: declarations, external, limitMs: loadLimitMs, beforeLoad };
  const { loaded, problems } = await loadFunctions(project, request);
  const opening = new Opening(project, opened?.blobs, [
    ...problems,
    ...(opened?.problems ?? []),
    ...unread.filter((each) => !isReported(each, { problems, project, declarations })),
  ]);
  for (const { entry, outcome } of loaded) {
    const declaration = outcome.state === 'ready' ? settle(entry, outcome, unread) : entry;
    if (outcome.state === 'ready')
      project.warmCode?.keepGood(entry.file, { ...outcome.good, facts: { ...declaration } });
    await opening.checkHandler(entry.file, outcome, misspelt?.get(entry.file));
    if (outcome.state === 'failed') opening.addFailed(declaration, outcome, salvaged?.get(entry.file));
    else opening.add(declaration, outcome);
  }
  return opening;
}

/** The settings of a function are in its file. If that cannot be parsed, those of its code before hold. */
function settle(
  entry: Declaration,
  { isBefore, good }: Extract<LoadedFunction, { state: 'ready' }>,
  unread: readonly Problem[],
): Declaration {
  const isUnread = isBefore && unread.some(({ file }) => file === entry.file);
  return isUnread ? (good.facts as Declaration) : entry; // kept by `openFunctions`
}

interface ReportedContext extends Pick<Findings, 'declarations' | 'problems'> {
  readonly project: Project;
}

/**
 * Whether the compiler already reports an error for this file. The compiler names it by its real
 * path.
 */
function isReported({ file }: Problem, { problems, project, declarations }: ReportedContext): boolean {
  const real = declarations.find((each) => each.file === file)?.path;
  const names = [file, real && relative(project.root, real)];
  return problems.some((problem) => problem.severity === 'error' && names.includes(problem.file));
}

class Opening implements OpenedFunctions {
  readonly routes: Route[] = [];
  readonly jobRules: JobRule[] = [];
  readonly subscriptions: Subscription[] = [];
  readonly problems: Problem[];
  readonly #project: Project;
  readonly #platform: Platform;
  readonly #blobs: DeployBlobs | undefined;

  constructor(project: Project, blobs: DeployBlobs | undefined, problems: Problem[]) {
    this.#project = project;
    this.#platform = toPlatform(project, blobs);
    this.#blobs = blobs;
    this.problems = problems;
  }

  /**
   * Reports a function without a handler. Code that other code imports is no function by intent; on the platform, too, it
   * has a URL that answers an error.
   */
  async checkHandler(file: string, outcome: LoadedFunction, misspelt?: Problem): Promise<void> {
    if (outcome.state !== 'ready' || hasFunction(outcome.exports)) {
      if (misspelt) this.problems.push(misspelt);
      return;
    }
    const isHelper = await isImported(this.#project.root, file);
    const { message } = misspelt ?? { message: 'exports neither a default function nor a `handler`' };
    const end = isHelper ? '; put code that others import into a folder below, such as lib/' : '';
    const severity = isHelper ? 'warning' : 'error';
    this.problems.push({ file, ...misspelt, severity, message: `${message}; each request to it answers 500${end}` });
  }

  add(declaration: Declaration, outcome: LoadedFunction): void {
    if (outcome.state === 'ahead') return;
    const parts = { project: this.#project, platform: this.#platform, declaration };
    const run = this.#connect(this.#toRun(declaration, outcome));
    const { toTarget, jobRules, subscriptions = [] } = toEntryPoints({ ...parts, run });
    this.jobRules.push(...jobRules);
    this.subscriptions.push(...subscriptions);
    if (outcome.state === 'ready') this.#addReadableMethods(parts, outcome.exports);
    if (!toTarget) return;
    const { routes, problems } = toRoutes(declaration, toTarget);
    this.routes.push(...routes);
    this.problems.push(...problems);
  }

  /** A function that does not load keeps its paths, as far as its text shows them: the next hop may have another answer for them. */
  addFailed(declaration: Declaration, outcome: LoadedFunction, salvaged: Salvaged | undefined): void {
    this.add(salvaged?.declaration ?? declaration, outcome);
    if (!salvaged?.lacksPath) return;
    const { file, name } = declaration;
    const message = `has a path that cannot be read from its text, so requests for it go to the next hop; /.netlify/functions/${name} answers 500`;
    this.problems.push({ severity: 'error', file, message });
  }

  #addReadableMethods(parts: Omit<FunctionParts, 'run'>, exports: Exports): void {
    try {
      this.#addMethods(parts, exports);
    } catch {
      // Getters and proxies of users threw; `#toReadyRun` has reported that.
    }
  }

  #addMethods(parts: Omit<FunctionParts, 'run'>, exports: Exports): void {
    const { file, generation } = parts.declaration;
    const exported = defaultOf(exports);
    if (generation !== 'modern' || typeof exported !== 'object' || exported === null) return;
    for (const { jobRules, subscriptions } of toMethodEntries(parts, exported, (run) => this.#connect(run))) {
      this.jobRules.push(...jobRules);
      this.subscriptions.push(...subscriptions);
    }
    const unused = findMethods(exported).filter(({ happens }) => !happens);
    if (unused.length === 0) return;
    const names = unused.map(({ method }) => method).join(', ');
    this.problems.push({ severity: 'warning', file, message: `nexthop has no events for ${names}: never called` });
  }

  /** The same function, with the blobs of the site if it uses any. */
  #connect(run: Run): Run {
    return this.#blobs?.connect(run) ?? run;
  }

  #toRun(declaration: Declaration, outcome: Exclude<LoadedFunction, { state: 'ahead' }>): Run {
    const { file } = declaration;
    const toRun = (exports: Exports): Run => toFunctionRun(exports, declaration, this.#platform);
    switch (outcome.state) {
      case 'failed':
        return toFailedRun(file, outcome.cause);
      case 'late':
        return toLateRun(file, outcome.later.then(toRun));
      case 'ready':
        return this.#toReadyRun(file, () => toRun(outcome.exports));
    }
  }

  /** Getters and proxies among the exports are code of users, too. */
  #toReadyRun(file: string, toRun: () => Run): Run {
    try {
      return toRun();
    } catch (cause) {
      const message = `its exports cannot be used: ${cause instanceof Error ? cause.message : cause}`;
      this.problems.push({ severity: 'error', file, message });
      return toFailedRun(file, cause);
    }
  }
}

/**
 * Creates the caller for the real exports of a module. A `handler` takes precedence over a default
 * export.
 */
function toFunctionRun(exports: Exports, { name, file, generation }: Declaration, platform: Platform): Run {
  const event = findEvent(name);
  const exported = defaultOf(exports);
  if (event && findMethods(exported).includes(event)) return toEventRun(Object(exported), event, platform);
  // The default export of a modern function may be an app with a `handler` property, which is meant
  // for other servers.
  if (generation === 'modern' && exports.handler === undefined) return toModernRun(exports, platform);
  return toLambdaRun(exports, { name, file, platform }) ?? toModernRun(exports, platform);
}

/** Whether a module exports a function, an object with `fetch` or a `handler`, or methods for events. Else each request fails, as on the platform. */
function hasFunction(exports: Exports): boolean {
  try {
    const exported = defaultOf(exports);
    const isFunction = [exports.handler, exported, Object(exported).fetch, Object(exported).handler].some(
      (each) => typeof each === 'function',
    );
    return isFunction || findMethods(exported).length > 0;
  } catch {
    // Getters and proxies of users threw; `#toReadyRun` reports that.
    return true;
  }
}

/**
 * Replaces a function whose module does not load: each call rejects with `function_error`. The
 * route stays, because otherwise the next hop might respond with something else under this URL.
 */
function toFailedRun(file: string, cause: unknown): Run {
  return async () => {
    throw new Fault('function_error', { message: `${file} is not loaded`, cause });
  };
}

/** Rejects as `toFailedRun` does until the module has loaded, and when it fails to load. */
function toLateRun(file: string, later: Promise<Run>): Run {
  let run = toFailedRun(file, undefined);
  later.then(
    (loaded) => {
      run = loaded;
    },
    (error: unknown) => {
      run = toFailedRun(file, error);
    },
  );
  return (invocation) => run(invocation);
}
