import { posix } from 'node:path';
import { nearestWord } from '../../../contract/nearest-word.ts';
import { didYouMean } from '../../../contract/problem.ts';
import { AGENT_KEYS, type AgentSettings, checkAgentAuth, findLostAuth } from './check-agents.ts';
import {
  type CacheTimeRule,
  checkCacheTime,
  checkDestination,
  checkHeader,
  checkSource,
  type HeaderRule,
  type RedirectRule,
  type RewriteRule,
  type RuleHeader,
} from './check-rule.ts';
import { checkSchedule, SCHEDULE_KEYS, type ScheduleEntry } from './check-schedules.ts';

/**
 * Reports a mistake: the path of the value (`headers[2].source`; '' for the whole file), and a
 * message that continues a sentence with the path as its subject.
 */
export type Report = (path: string, message: string, severity?: 'error' | 'warning') => void;

/**
 * Returns the valid parts of a parsed `edgeone.json` and reports all others. `lineOf`: the line of
 * the value at a path. Never throws.
 */
export function checkEdgeOneJson(value: unknown, report: Report, lineOf?: (path: string) => number): EdgeOneJson {
  if (!isObject(value)) report('', 'must contain one object');
  return new Check(isObject(value) ? value : {}, report, lineOf).run();
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Keys that only the platform's build or network uses. They are ignored without a warning. */
const PLATFORM_ONLY: ReadonlySet<string> = new Set([
  ...['$schema', 'name', 'framework', 'build', 'devCommand', 'buildCommand', 'installCommand', 'nodeVersion'],
]);

const USED: ReadonlySet<string> = new Set([
  ...['redirects', 'rewrites', 'headers', 'caches', 'trailingSlash', 'outputDirectory'],
  ...['cloudFunctions', 'nodeFunctionsConfig', 'node-functions', 'agents', 'schedules'],
]);

const KEYS: readonly string[] = [...USED, ...PLATFORM_ONLY];
/** What is declared below these keys is not used below a misspelt one. */
const RULES: readonly string[] = ['redirects', 'rewrites', 'headers', 'caches', 'agents', 'schedules'];
const CLOUD_FUNCTIONS_KEYS = ['nodejs', 'python', 'go', 'maxDuration', 'mainlandRegions', 'overseasRegions'];
/** The platform's limit. It rejects a file with more. */
const MAX_RULES = 100;

const REDIRECT_STATUSES: readonly unknown[] = [301, 302, 303, 304, 307, 308];

/** One day; a larger number is a mistake. The platform accepts 10 to 120. */
const MAX_SECONDS = 86_400;

class Check {
  readonly #root: JsonObject;
  readonly #report: Report;
  /** Paths of keys that are misspelt: one mistake is not reported as a missing value, too. */
  readonly #meant = new Set<string>();
  readonly #lineOf: ((path: string) => number) | undefined;
  readonly #lostAuth: string | undefined;

  constructor(root: JsonObject, report: Report, lineOf: ((path: string) => number) | undefined) {
    this.#root = root;
    this.#report = report;
    this.#lineOf = lineOf;
    this.#lostAuth = findLostAuth(root);
  }

  run(): EdgeOneJson {
    for (const key of Object.keys(this.#root)) {
      if (KEYS.includes(key) || key === this.#lostAuth) continue;
      const isOfRules = Object.keys(Object(this.#root[key])).length > 0 && RULES.includes(nearestWord(key, KEYS) ?? '');
      const message = `is no key of edgeone.json and is not used${didYouMean(key, KEYS)}`;
      this.#report(key, message, isOfRules ? 'error' : 'warning');
    }
    return {
      redirects: this.#rules('redirects', (path, rule) => this.#redirect(path, rule)),
      rewrites: this.#rules('rewrites', (path, rule) => this.#rewrite(path, rule)),
      headers: this.#rules('headers', (path, rule) => this.#header(path, rule)),
      caches: this.#rules('caches', (path, rule) => this.#cache(path, rule)),
      trailingSlash: this.#boolean('trailingSlash'),
      ...this.#functionSettings(),
      outputDirectory: this.#folder('outputDirectory'),
      agents: this.#agents(),
      schedules: this.#schedules(),
    };
  }

  #rules<T>(key: string, toRule: (path: string, rule: JsonObject) => T | undefined): readonly T[] {
    const list = this.#root[key] ?? [];
    if (!Array.isArray(list)) {
      this.#report(key, `must be a list, got ${spell(list)}`);
      return [];
    }
    if (list.length > MAX_RULES) {
      this.#report(`${key}[${MAX_RULES}]`, `and all later rules are not used: at most ${MAX_RULES} are allowed`);
    }
    return list.slice(0, MAX_RULES).flatMap((rule: unknown, index) => {
      const path = `${key}[${index}]`;
      if (!isObject(rule)) this.#report(path, `must be an object, got ${spell(rule)}`);
      const checked = isObject(rule) ? toRule(path, rule) : undefined;
      return checked === undefined ? [] : [checked];
    });
  }

  #redirect(path: string, rule: JsonObject): RedirectRule | undefined {
    this.#reportUnknown(path, rule, ['source', 'destination', 'statusCode']);
    const { source, destination, statusCode } = rule;
    const isSourceValid = this.#passes(`${path}.source`, checkSource(source, 'redirect'));
    const isValid =
      isSourceValid && this.#passes(`${path}.destination`, checkDestination(destination, source, 'redirect'));
    if (REDIRECT_STATUSES.includes(statusCode)) {
      return isValid ? ({ source, destination, statusCode } as RedirectRule) : undefined; // all three are checked
    }
    this.#passes(`${path}.statusCode`, `must be one of ${REDIRECT_STATUSES.join(', ')}, got ${spell(statusCode)}`);
    return undefined;
  }

  #rewrite(path: string, rule: JsonObject): RewriteRule | undefined {
    this.#reportUnknown(path, rule, ['source', 'destination']);
    const { source, destination } = rule;
    const isValid =
      this.#passes(`${path}.source`, checkSource(source, 'rewrite')) &&
      this.#passes(`${path}.destination`, checkDestination(destination, source, 'rewrite'));
    return isValid ? ({ source, destination } as RewriteRule) : undefined; // both are checked
  }

  #header(path: string, rule: JsonObject): HeaderRule | undefined {
    this.#reportUnknown(path, rule, ['source', 'headers']);
    const { source, headers } = rule;
    const isSourceValid = this.#passes(`${path}.source`, checkSource(source, 'headers'));
    if (!Array.isArray(headers)) {
      this.#passes(`${path}.headers`, `must be a list of { "key", "value" }, got ${spell(headers)}`);
      return undefined;
    }
    const valid = headers.filter((header: unknown, index) => this.#isHeader(`${path}.headers[${index}]`, header));
    return isSourceValid && valid.length > 0 ? { source: String(source), headers: valid } : undefined;
  }

  #isHeader(path: string, header: unknown): header is RuleHeader {
    if (!isObject(header)) return this.#passes(path, `must be { "key", "value" }, got ${spell(header)}`);
    this.#reportUnknown(path, header, ['key', 'value']);
    return this.#passes(path, checkHeader(header.key, header.value));
  }

  #functionSettings(): Pick<EdgeOneJson, 'maxDurationMs' | 'externalPackages'> {
    const oldest = this.#section('node-functions', ['included_files', 'external_node_modules']);
    const older = this.#section('nodeFunctionsConfig', ['maxDuration', 'includeFiles', 'externalNodeModules']);
    const flat = this.#section('cloudFunctions', CLOUD_FUNCTIONS_KEYS);
    if (flat.maxDuration !== undefined)
      this.#report('cloudFunctions.maxDuration', 'counts as cloudFunctions.nodejs.maxDuration', 'warning');
    const newer = this.#section('cloudFunctions.nodejs', ['includeFiles', 'externalNodeModules', 'maxDuration']);
    return {
      maxDurationMs:
        this.#seconds('cloudFunctions.nodejs.maxDuration', newer.maxDuration) ??
        this.#seconds('cloudFunctions.maxDuration', flat.maxDuration) ??
        this.#seconds('nodeFunctionsConfig.maxDuration', older.maxDuration),
      externalPackages: new Set([
        ...this.#names('cloudFunctions.nodejs.externalNodeModules', newer.externalNodeModules),
        ...this.#names('nodeFunctionsConfig.externalNodeModules', older.externalNodeModules),
        ...this.#names('node-functions.external_node_modules', oldest.external_node_modules),
      ]),
    };
  }

  #schedules(): readonly ScheduleEntry[] {
    const taken = new Set<string>();
    return this.#rules('schedules', (path, entry) => {
      this.#reportUnknown(path, entry, SCHEDULE_KEYS, ['cron', 'path']);
      const report = (member: string, message: string): void => {
        if (!this.#meant.has(`${path}.${member}`)) this.#report(`${path}.${member}`, message);
      };
      const checked = checkSchedule(entry, report, taken);
      if (checked) taken.add(checked.name);
      return checked && { ...checked, line: this.#lineOf?.(`${path}.path`) };
    });
  }

  #agents(): AgentSettings {
    const { timeout, externalNodeModules, auth, mcp } = this.#section('agents', AGENT_KEYS);
    if (isObject(mcp) && mcp.enabled === true) {
      this.#report('agents.mcp', 'is not used: nexthop publishes no tools, and /mcp goes to the next hop', 'warning');
    }
    return {
      timeoutMs: this.#seconds('agents.timeout', timeout),
      externalPackages: this.#names('agents.externalNodeModules', externalNodeModules),
      auth: checkAgentAuth(auth, this.#lostAuth, this.#report),
    };
  }

  #names(path: string, value: unknown): readonly string[] {
    if (value === undefined) return [];
    if (Array.isArray(value) && value.every((name): name is string => typeof name === 'string')) return value;
    this.#report(path, `must be a list of package names, got ${spell(value)}; it is not used`);
    return [];
  }

  /** The object at a path of keys. Empty if it is absent or not an object. */
  #section(path: string, keys: readonly string[]): JsonObject {
    const names = path.split('.');
    const section = names.reduce<unknown>((above, name) => (isObject(above) ? above[name] : undefined), this.#root);
    if (section === undefined) return {};
    if (!isObject(section)) {
      this.#report(path, `must be an object, got ${spell(section)}`);
      return {};
    }
    this.#reportUnknown(path, section, keys, []);
    return section;
  }

  #seconds(path: string, value: unknown): number | undefined {
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value > 0 && value <= MAX_SECONDS) return Math.ceil(value * 1000);
    this.#report(path, `must be a number of seconds, more than 0 and at most ${MAX_SECONDS}, got ${spell(value)}`);
    return undefined;
  }

  #boolean(key: string): boolean | undefined {
    const value = this.#root[key];
    if (value === undefined || typeof value === 'boolean') return value;
    this.#report(key, `must be true or false, got ${spell(value)}`);
    return undefined;
  }

  #folder(key: string): string | undefined {
    const value = this.#root[key];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '') {
      this.#report(key, `must be the path of a folder, got ${spell(value)}`);
      return undefined;
    }
    // "./build/" and "/build" both mean the folder in the site.
    return posix.normalize(value).replace(/^\/+|\/+$/g, '') || '.';
  }

  /** `needed`: a rule without one of these keys is not used, so that a misspelt one is an error. */
  #reportUnknown(path: string, object: JsonObject, keys: readonly string[], needed = keys): void {
    for (const key of Object.keys(object)) {
      if (keys.includes(key) || `${path}.${key}` === this.#lostAuth) continue;
      const nearest = nearestWord(key, keys);
      const isMeant = nearest !== undefined && !(nearest in object);
      if (isMeant) this.#meant.add(`${path}.${nearest}`);
      const isNeeded = isMeant && needed.includes(nearest);
      const effect = isNeeded ? 'is no key; the rule is not used' : 'is not used';
      const message = `${effect}; known keys are ${keys.join(', ')}${didYouMean(key, keys)}`;
      this.#report(`${path}.${key}`, message, isNeeded ? 'error' : 'warning');
    }
  }

  #cache(path: string, rule: JsonObject): CacheTimeRule | undefined {
    this.#reportUnknown(path, rule, ['source', 'cacheTtl']);
    return checkCacheTime(rule, (key, mistake) => this.#passes(`${path}.${key}`, mistake));
  }

  /** True if there is no mistake. Otherwise reports it and returns false. A value is not missing if its key is misspelt: that is reported. */
  #passes(path: string, mistake: string | undefined): mistake is undefined {
    const isReported = [path, `${path}.key`, `${path}.value`].some((each) => this.#meant.has(each));
    if (mistake !== undefined && !isReported) this.#report(path, `${mistake}; the rule is not used`);
    return mistake === undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function spell(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80);
}

/** The checked content of `edgeone.json` that a running site needs, without invalid rules. */
export interface EdgeOneJson {
  readonly redirects: readonly RedirectRule[];
  readonly rewrites: readonly RewriteRule[];
  readonly headers: readonly HeaderRule[];
  readonly caches: readonly CacheTimeRule[];
  /**
   * True: every path except those of files ends with a slash. False: none does. Undefined: both
   * forms are served.
   */
  readonly trailingSlash: boolean | undefined;
  /** Time limit of a function. Undefined: the setting FUNCTION_TIMEOUT applies. */
  readonly maxDurationMs: number | undefined;
  /**
   * Folder of static files, relative to the site; `.` for the site itself. Undefined: the default
   * folder.
   */
  readonly outputDirectory: string | undefined;
  readonly schedules: readonly ScheduleEntry[];
  readonly agents: AgentSettings;
  /** Names of packages that may be missing when the site is compiled. */
  readonly externalPackages: ReadonlySet<string>;
}
