import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { IgnoredFile, Reading, Vendored } from '../../../contract/dialect.ts';
import { type Effect, NOT_LOADED } from '../../../contract/effect.ts';
import { Fault } from '../../../contract/fault.ts';
import { ValueKey } from '../../../contract/kept-values.ts';
import { nearestWord } from '../../../contract/nearest-word.ts';
import { didYouMean, type Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route } from '../../../contract/route.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { FunctionLimits } from '../../../http/function-limits.ts';
import type { Exports } from '../../loader/compile.ts';
import { type LoadedFunction, loadFunctions } from '../../loader/load-functions.ts';
import { installGlobals } from '../call/globals.ts';
import { defaultOf } from '../call/modern-run.ts';
import { type Platform, toPlatform } from '../call/platform.ts';
import type { NetlifyToml } from '../config/netlify-toml.ts';
import { readSource, type SourceReading } from '../find/source-config.ts';
import { type Declared, declare } from './declare.ts';
import { installDeno } from './deno-shim.ts';
import { EdgeFilter, type EdgeHandler } from './edge-filter.ts';
import { readEdgeImports } from './edge-imports.ts';
import { EdgeKeys, lacksLimit, lacksPath } from './edge-keys.ts';
import { EdgeLimits, toClosedTarget } from './edge-limits.ts';
import { EdgeMatcher } from './edge-matcher.ts';
import { describeRule, type EdgeRule, type EdgeSettings, hasPaths, toEdgeRule } from './edge-rule.ts';
import { offerWasm } from './fetch-wasm.ts';
import { EDGE_FOLDER, type EdgeFile, type FoundEdgeFiles, findEdgeFiles } from './find-edge-files.ts';

export interface OpenedEdgeFunctions extends Pick<Reading, 'findLimits'> {
  readonly routes: readonly Route[];
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
}

/** On the platform an edge function has 40 s until the head of its response, and other functions 30 s. */
const LONGER_MS = 10_000;

/** For functions with a manual cache: after all other filters. */
const LAST = 2;

/**
 * Finds, compiles and loads the edge functions of a site and creates their filters. A function that does not load, or whose declaration is wrong, may guard the
 * site: all requests that it would get are answered 500, and all requests of the site if that is not known. Never rejects because of the user's files.
 */
export async function openEdgeFunctions(project: Project, toml: NetlifyToml): Promise<OpenedEdgeFunctions> {
  const found = await findEdgeFiles(project.root, toml.edgeFolder ?? EDGE_FOLDER);
  const { files, ignored } = found;
  const problems = [...found.problems];
  if (files.length === 0 && found.manifest.length === 0 && toml.edgeFunctions.length === 0)
    return found.problems.length > 0 ? { routes: [], ignored, problems } : NONE;
  if (project.ignoresEdgeFunctions) return { routes: [], ignored, problems: [...problems, toIgnoredProblem(files)] };
  if (!project.ahead) {
    installGlobals(project);
    installDeno(project.processEnv);
    offerWasm(project.root);
  }
  const imports = await readEdgeImports(project.root, [...found.importMaps, toml.importMap]);
  const { loaded, problems: ofLoading } = await loadFunctions(project, { files, imports });
  problems.push(...imports.problems, ...ofLoading);
  const opening = new Opening(project, toml, found);
  await Promise.all(loaded.map(({ entry, outcome }) => opening.take(entry, outcome)));
  const opened = opening.open();
  // `nexthop build` runs no code; the declarations are checked as far as the text shows them.
  const routes = project.ahead ? [] : opened.routes;
  return { ...opened, routes, ignored, problems: [...problems, ...opened.problems] };
}

/** Stores the modules of URLs that edge functions import. Undefined if there are no edge functions. */
export async function vendorEdgeFunctions(given: string, toml: NetlifyToml): Promise<Vendored | undefined> {
  const root = await realpath(given).catch(() => given);
  const { files, importMaps } = await findEdgeFiles(root, toml.edgeFolder ?? EDGE_FOLDER);
  if (files.length === 0) return undefined;
  const imports = await readEdgeImports(root, [...importMaps, toml.importMap]);
  // Imported only here: a server never fetches code.
  const { vendor } = await import('../../loader/vendor.ts');
  return vendor({ root, files: files.map(({ path }) => path), imports });
}

const NONE: OpenedEdgeFunctions = { routes: [], ignored: [], problems: [] };

const MOST_NAMES = 3;

function toIgnoredProblem(files: readonly EdgeFile[]): Problem {
  const names = files.slice(0, MOST_NAMES).map(({ name }) => name);
  const more = files.length > MOST_NAMES ? ` and ${files.length - MOST_NAMES} more` : '';
  const message = `edge functions are not called, because EDGE_FUNCTIONS is "ignore": ${names.join(', ')}${more}; what they protect is open`;
  return { severity: 'warning', file: files[0] ? dirname(files[0].file) : 'netlify.toml', message };
}

interface Taken {
  readonly outcome: LoadedFunction;
  /** Undefined: it cannot be known, so the function may be meant for all requests. */
  readonly config: EdgeSettings | undefined;
}

class Opening {
  readonly problems: Problem[] = [];
  readonly #project: Project;
  readonly #toml: NetlifyToml;
  readonly #found: FoundEdgeFiles;
  readonly #platform: Platform;
  readonly #limits: FunctionLimits;
  readonly #timeoutMs: number;
  readonly #taken = new Map<EdgeFile, Taken>();
  readonly #rateLimits = new EdgeLimits((problem) => this.problems.push(problem));
  readonly #done = new ValueKey<true>();
  readonly #keys: EdgeKeys;

  constructor(project: Project, toml: NetlifyToml, found: FoundEdgeFiles) {
    const { log, functionLimits } = project;
    this.#project = project;
    this.#toml = toml;
    this.#found = found;
    this.#keys = new EdgeKeys(toml.edgeFunctions);
    this.#platform = toPlatform(project);
    this.#timeoutMs = functionLimits.timeoutMs === 0 ? 0 : functionLimits.timeoutMs + LONGER_MS;
    // The body is not limited: it may be that of an upload to the next hop.
    this.#limits = new FunctionLimits({ bodyBytes: 0, timeoutMs: this.#timeoutMs, log });
  }

  /** The settings of a function are in its code. If that does not load, those that its text shows hold. */
  async take(file: EdgeFile, outcome: LoadedFunction): Promise<void> {
    const exported = outcome.state === 'ready' ? toConfig(outcome.exports) : undefined;
    if (outcome.state === 'ready' && !exported)
      this.#report('error', file.file, 'has a config that is no object: every path answers 500');
    const needsText = outcome.state !== 'ready' || Object.keys(exported ?? {}).length > 0;
    const source = needsText ? await readSource(this.#project, file) : undefined;
    const config = outcome.state === 'ready' ? exported : source && toShownConfig(source);
    this.#taken.set(file, { outcome, config });
    if (source && config) this.#keys.note(file, source);
  }

  open(): OpenedEdgeFunctions {
    const { files, manifest } = this.#found;
    const configOf = (file: EdgeFile): EdgeSettings | undefined => this.#taken.get(file)?.config;
    const toml = this.#toml.edgeFunctions.map(({ values }) => values);
    const declared = declare({ files, manifest, toml, configOf });
    this.problems.push(...declared.flatMap((each) => this.#keys.check(each)));
    const routes = declared.flatMap((each) => this.#toRoutes(each));
    const { find: findLimits } = this.#rateLimits;
    return { routes, ignored: [], problems: this.problems, ...(findLimits && { findLimits }) };
  }

  #toRoutes(declared: Declared): readonly Route[] {
    const { name, file, settings } = declared;
    const taken = file && this.#taken.get(file);
    const where = file?.file ?? this.#keys.locate(declared).file;
    // A declaration that names no function is reported where it is read.
    if (!file && name !== '') {
      const names = this.#found.files.map((each) => each.name);
      const message = `declares the edge function ${JSON.stringify(name)}, but no file has this name${didYouMean(name, names)}: its paths answer 500`;
      this.problems.push({ severity: 'error', ...this.#keys.locate(declared), message });
    }
    if (!hasPaths(settings) && 'function' in settings) {
      const message = `declares the edge function ${JSON.stringify(name)} without a path: every path answers 500`;
      this.problems.push({ severity: 'error', ...this.#keys.locate(declared), message });
      return [this.#toRoute(where, 'every path', new Closed(where, undefined))];
    }
    if (!hasPaths(settings)) {
      if (file && taken?.config) {
        const mistake = taken.outcome.state === 'ready' ? toMistake(taken.outcome.exports) : undefined;
        if (mistake) this.#report('error', where, `${mistake}, and no path: every path answers 500`);
        if (mistake || lacksPath(settings)) return [this.#toRoute(where, 'every path', new Closed(where, undefined))];
        if (!this.#toml.isUnread)
          this.#report('warning', where, 'has no path, in its config or in netlify.toml: it is never called');
        return [];
      }
      return [this.#toRoute(where, 'every path', new Closed(where, undefined))];
    }
    const rule = toEdgeRule(settings, (message, key) => {
      this.problems.push({ severity: 'error', ...this.#keys.locate(declared, key), message });
    });
    if (!rule) return [this.#toRoute(where, 'every path', new Closed(where, undefined))];
    const matcher = new EdgeMatcher(rule, this.#project.siteRoutes);
    const { rateLimit: value } = settings;
    const { text } = rule;
    const location = this.#keys.inCode(file, 'rateLimit');
    const limit = lacksLimit(settings)
      ? 'wrong'
      : value !== undefined && this.#rateLimits.add({ name, file: where, location, value, text, matcher });
    const target =
      limit === 'wrong' ? toClosedTarget(where, matcher) : this.#toTarget(where, rule, matcher, taken?.outcome);
    const route = this.#toRoute(where, text, target, rule);
    return [limit ? { ...route, about: `${route.about}, ${limit === 'wrong' ? 'closed' : limit}` } : route];
  }

  #toTarget(name: string, rule: EdgeRule, matcher: EdgeMatcher, outcome: LoadedFunction | undefined): Target {
    const toFilter = (exports: Exports): Target => {
      const handler = defaultOf(exports);
      if (typeof handler !== 'function') throw new TypeError(NO_HANDLER);
      const { log, withCache } = this.#project;
      const parts = {
        limits: this.#limits,
        timeoutMs: this.#timeoutMs,
        platform: this.#platform,
        done: this.#done,
        log,
        withCache: rule.cache === 'manual' ? withCache : undefined,
      };
      return new EdgeFilter({ name, handler: handler as EdgeHandler, rule, matcher, ...parts }); // checked above
    };
    const closed = new Closed(name, matcher);
    if (rule.isWrong) {
      closed.cause = new TypeError('its declaration is wrong');
      return closed;
    }
    switch (outcome?.state) {
      case 'ready':
        try {
          return toFilter(outcome.exports);
        } catch (cause) {
          this.#report('error', name, `${NO_HANDLER}; its paths answer 500`);
          closed.cause = cause;
          return closed;
        }
      case 'late':
        outcome.later.then(
          (exports) => closed.become(() => toFilter(exports)),
          (cause: unknown) => {
            closed.cause = cause;
          },
        );
        return closed;
      case 'failed':
        closed.cause = outcome.cause;
    }
    return closed;
  }

  #toRoute(file: string, text: string, target: Target, rule?: EdgeRule): Route {
    const pattern = { text, segments: [{ kind: 'catch-all', name: '', orNone: true }] } as const;
    const rank = rule?.cache === 'manual' ? LAST : 0;
    const guards = { kind: 'edge functions', names: [file] };
    const about = rule ? describeRule(rule) : 'edge function';
    return { pattern, methods: 'any', target, step: 1, rank, dialect: 'netlify', file, about, guards };
  }

  #report(severity: Problem['severity'], file: string, message: string): void {
    this.problems.push({ severity, file, message });
  }
}

/** Of a function that nothing declares. On the platform, a file without a handler fails the deploy. */
function toMistake(exports: Exports): string | undefined {
  if (typeof defaultOf(exports) !== 'function') return NO_HANDLER;
  const misspelt = Object.keys(exports).find((name) => nearestWord(name, ['config']) !== undefined);
  return misspelt && misspelt !== 'config' ? `has the export ${misspelt} (did you mean config?)` : undefined;
}

const NO_HANDLER = 'has no default export that is a function';

/** An edge function that has not loaded, or whose requests are not known: it may guard the site, so it lets none of its requests pass. */
class Closed implements Target {
  readonly name: string;
  cause: unknown;
  readonly #matcher: EdgeMatcher | undefined;
  #target: Target | undefined;

  /** `matcher`: undefined for every request. */
  constructor(name: string, matcher: EdgeMatcher | undefined) {
    this.name = name;
    this.#matcher = matcher;
  }

  /** The module has loaded after the start. */
  become(toTarget: () => Target): void {
    try {
      this.#target = toTarget();
    } catch (error) {
      // It stays closed, with this reason.
      this.cause = error;
    }
  }

  describe(...given: Parameters<NonNullable<Target['describe']>>): Effect | undefined {
    const effect = this.#matcher ? this.#matcher.describe(given[0]) : NOT_LOADED;
    return effect?.outcome === 'may-answer' ? NOT_LOADED : effect;
  }

  async answer(...given: Parameters<Target['answer']>): Promise<Outcome> {
    if (this.#target) return this.#target.answer(...given);
    if (this.#matcher && !this.#matcher.match(given[0])) return 'passed';
    throw new Fault('function_error', { message: `the edge function ${this.name} is not loaded`, cause: this.cause });
  }
}

/** Undefined if the text does not show all of the settings. */
function toShownConfig({ config, unread, problems }: SourceReading): EdgeSettings | undefined {
  if (unread || problems.length > 0) return undefined;
  return Object.fromEntries([...config].map(([key, { value }]) => [key, value]));
}

/** Undefined if it is no object, so that its paths are not known. */
function toConfig({ config = {} }: Exports): EdgeSettings | undefined {
  const isObject = typeof config === 'object' && config !== null && !Array.isArray(config);
  return isObject ? (config as EdgeSettings) : undefined; // each value is checked
}
