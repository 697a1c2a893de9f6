import { relative } from 'node:path';
import { Fault } from '../../contract/fault.ts';
import type { JobRule } from '../../contract/job-rule.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Project } from '../../contract/project.ts';
import type { Route } from '../../contract/route.ts';
import type { Exports } from '../loader/compile.ts';
import { type LoadedFunction, loadFunctions } from '../loader/load-functions.ts';
import { installGlobals } from './call/globals.ts';
import type { Run } from './call/invocation.ts';
import { toLambdaRun } from './call/lambda-run.ts';
import { toModernRun } from './call/modern-run.ts';
import { type Platform, toPlatform } from './call/platform.ts';
import type { Declaration } from './find/declaration.ts';
import type { Findings } from './find/find-functions.ts';
import { toReach } from './function-targets.ts';
import { toRoutes } from './to-routes.ts';

export interface OpenedFunctions {
  readonly routes: readonly Route[];
  readonly jobRules: readonly JobRule[];
  readonly problems: readonly Problem[];
}

export interface OpeningOptions {
  /** How long the start waits for a module; default: the loader's. */
  readonly loadLimitMs?: number;
}

/** Compiles and loads the functions that were found, and makes their routes. Never rejects: a function that does not work costs its own routes alone. */
export async function openFunctions(
  project: Project,
  { declarations, unread }: Pick<Findings, 'declarations' | 'unread'>,
  { loadLimitMs }: OpeningOptions = {},
): Promise<OpenedFunctions> {
  if (declarations.length === 0) return { routes: [], jobRules: [], problems: [] };
  // Functions use them while they load. Where nothing is run they are not needed.
  if (!project.ahead) installGlobals(project.processEnv);
  const external = new Set(declarations.flatMap(({ config }) => config.externalPackages ?? []));
  const { loaded, problems } = await loadFunctions(project, { files: declarations, external, limitMs: loadLimitMs });
  const opening = new Opening(project, [
    ...problems,
    ...unread.filter((each) => !isReported(each, { problems, project, declarations })),
  ]);
  for (const { entry, outcome } of loaded) opening.take(entry, outcome);
  return opening;
}

interface Telling extends Pick<Findings, 'declarations' | 'problems'> {
  readonly project: Project;
}

/** What the compiler does not take is its to tell, by the file's real name. */
function isReported({ file }: Problem, { problems, project, declarations }: Telling): boolean {
  const real = declarations.find((each) => each.file === file)?.path;
  const names = [file, real && relative(project.root, real)];
  return problems.some((problem) => problem.severity === 'error' && names.includes(problem.file));
}

class Opening implements OpenedFunctions {
  readonly routes: Route[] = [];
  readonly jobRules: JobRule[] = [];
  readonly problems: Problem[];
  readonly #project: Project;
  readonly #platform: Platform;

  constructor(project: Project, problems: Problem[]) {
    this.#project = project;
    this.#platform = toPlatform(project);
    this.problems = problems;
  }

  take(declaration: Declaration, outcome: LoadedFunction): void {
    if (outcome.state === 'ahead') return;
    const run = this.#toRun(declaration, outcome);
    const { toTarget, jobRules } = toReach({
      project: this.#project,
      platform: this.#platform,
      declaration,
      run,
    });
    this.jobRules.push(...jobRules);
    if (!toTarget) return;
    const { routes, problems } = toRoutes(declaration, toTarget);
    this.routes.push(...routes);
    this.problems.push(...problems);
  }

  #toRun(declaration: Declaration, outcome: Exclude<LoadedFunction, { state: 'ahead' }>): Run {
    const { file } = declaration;
    const toRun = (exports: Exports): Run => toFunctionRun(exports, declaration, this.#platform);
    switch (outcome.state) {
      case 'failed':
        return toFailedRun(file, outcome.cause);
      case 'late':
        return toLateRun(
          file,
          outcome.later.then((exports) => exports && toRun(exports)),
        );
      case 'ready':
        if (!hasFunction(outcome.exports)) {
          const message = 'exports neither a default function nor a `handler`: each request to it fails';
          this.problems.push({ severity: 'warning', file, message });
        }
        return toRun(outcome.exports);
    }
  }
}

/** What calls the function of a module, by what that really exports: a `handler` comes before a default export. */
function toFunctionRun(exports: Exports, { name, file, generation }: Declaration, platform: Platform): Run {
  // An app that is the default export of a modern function may have a `handler` of its own, for other servers.
  if (generation === 'modern' && exports.handler === undefined) return toModernRun(exports, platform);
  return toLambdaRun(exports, { name, file, platform }) ?? toModernRun(exports, platform);
}

/** Whether a module exports anything that could be a function; if not, each request fails, as on the platform. */
function hasFunction({ handler, default: standard }: Exports): boolean {
  return handler !== undefined || standard !== undefined;
}

/**
 * Stands for a function whose module does not load: each call rejects with `function_error`. Its address is not left to the hop, where something else
 * might answer in its name.
 */
function toFailedRun(file: string, cause: unknown): Run {
  return async () => {
    throw new Fault('function_error', { message: `${file} is not loaded`, cause });
  };
}

/** The same, until its module has loaded after all; `later` resolves with undefined if nothing comes of it, and never rejects. */
function toLateRun(file: string, later: Promise<Run | undefined>): Run {
  let run = toFailedRun(file, undefined);
  later.then((loaded) => {
    if (loaded) run = loaded;
  });
  return (invocation) => run(invocation);
}
