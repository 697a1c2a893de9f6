import { nearestWord } from '../../../contract/nearest-word.ts';
import { didYouMean, type Problem } from '../../../contract/problem.ts';
import { Schedule } from '../../../contract/schedule.ts';
import type { ConfigValue, ConfigValues } from '../config/config-values.ts';
import { IN_CONFIG, readRateLimit } from '../config/rate-limit.ts';
import { checkSchedule } from './check-schedule.ts';
import type { FunctionConfig } from './declaration.ts';
import { toPattern } from './to-pattern.ts';

export interface CheckedConfig {
  /**
   * Undefined if the function must have no route. The platform would not deploy it, and under its
   * default URL it would receive requests that it was not written for.
   */
  readonly config: FunctionConfig | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Checks the settings of the function `name`. What the platform's builder refuses is an error; what
 * it ignores is a warning.
 */
export function checkConfig(name: string, values: ConfigValues): CheckedConfig {
  const check = new Check(values);
  const paths = check.paths('path');
  const config: FunctionConfig = {
    paths,
    excludedPaths: check.paths('excludedPath'),
    methods: check.methods(),
    preferStatic: check.take('preferStatic', 'true or false', isBoolean) ?? false,
    background: (check.take('background', 'true or false', isBoolean) ?? false) || name.endsWith('-background'),
    ...defined('displayName', check.take('name', 'a string', isText)),
    ...defined('timeoutMs', toMs(check.take('timeout', 'seconds', isSeconds))),
    ...defined('schedule', check.schedule()),
    ...defined('externalPackages', check.take('externalNodeModules', 'a list of names of packages', isTexts)),
  };
  check.checkCombinations(config);
  const problems = check.problems;
  const isRefused = problems.some(({ severity }) => severity === 'error');
  const rateLimit = check.rateLimit(name, paths);
  return { config: isRefused ? undefined : { ...config, ...defined('rateLimit', rateLimit) }, problems };
}

/** All settings that the platform supports. */
export const CONFIG_KEYS: readonly string[] = [
  ...['path', 'excludedPath', 'method', 'preferStatic', 'schedule', 'background', 'timeout', 'rateLimit', 'name'],
  ...['generator', 'includedFiles', 'includedFilesBasePath', 'nodeBundler', 'nodeVersion', 'externalNodeModules'],
  ...['ignoredNodeModules', 'memory', 'vcpu', 'region'],
];

const METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'OPTIONS', 'DELETE', 'HEAD'];

/** Settings that nexthop does not implement, each with the reason. */
const UNUSED: Readonly<Record<string, string>> = {
  memory: 'functions share the memory of the process',
  vcpu: 'functions share the processors of the process',
  region: 'functions run where this process does',
  nodeVersion: `functions run on Node ${process.versions.node}`,
};

class Check {
  readonly problems: Problem[] = [];
  readonly #values: ConfigValues;

  constructor(values: ConfigValues) {
    this.#values = values;
  }

  /**
   * The value of a setting; undefined if it is not set or has another type, which the platform
   * ignores.
   */
  take<T>(key: string, what: string, isRight: (value: unknown) => value is T): T | undefined {
    const found = this.#values.get(key);
    if (!found) return undefined;
    const { value } = found;
    if (isRight(value)) return value;
    this.#warn(key, found, `must be ${what}, got ${JSON.stringify(value)}; it is not used`);
    return undefined;
  }

  paths(key: string): readonly string[] {
    const found = this.#values.get(key);
    if (!found) return [];
    const paths: unknown[] = Array.isArray(found.value) ? found.value : [found.value];
    if (!paths.every(isText)) {
      this.#refuse(key, found, `must be a string or a list of strings, got ${JSON.stringify(found.value)}`);
      return [];
    }
    for (const path of paths) {
      const pattern = toPattern(path);
      if (typeof pattern === 'string') this.#refuse(key, found, pattern);
      else if (!pattern.match) this.#warnOfUnusualPath(key, found, path);
    }
    return [...new Set(paths)];
  }

  methods(): FunctionConfig['methods'] {
    const found = this.#values.get('method');
    if (!found) return 'any';
    const given: unknown[] = Array.isArray(found.value) ? found.value : [found.value];
    const methods = given.map((method) => (isText(method) ? method.toUpperCase() : method));
    if (methods.every((method): method is string => METHODS.includes(String(method)))) {
      return methods.length > 0 ? [...new Set(methods)] : 'any';
    }
    const message = `must be of ${METHODS.join(' ')}, got ${JSON.stringify(found.value)}; it is not used, so the function is called for every method`;
    this.#warn('method', found, message);
    return 'any';
  }

  schedule(): string | undefined {
    const found = this.#values.get('schedule');
    if (!found) return undefined;
    const { value } = found;
    if (typeof value !== 'string') {
      this.#refuse('schedule', found, 'must be a string literal, or a constant of the same file');
      return undefined;
    }
    const mistake = checkSchedule(value);
    if (mistake !== undefined) this.#refuse('schedule', found, mistake);
    else if (new Schedule(value).nextAfter(Date.now()) === undefined) {
      this.#warn('schedule', found, `never comes due: no month of it has such a day, got ${JSON.stringify(value)}`);
    }
    return value;
  }

  /** 'wrong': the function is there, and answers 404: the limit may protect it. */
  rateLimit(name: string, paths: readonly string[]): FunctionConfig['rateLimit'] {
    const found = this.#values.get('rateLimit');
    const [misspelt] = [...this.#values].filter(([key]) => isLostLimit(key));
    if (misspelt) {
      const [key, value] = misspelt;
      this.#add(
        'error',
        key,
        value,
        'is no setting of a function; did you mean rateLimit?; what it limits answers 404',
      );
      return 'wrong';
    }
    if (!found) return undefined;
    const part = { file: found.file, part: `function ${name}`, name, paths };
    const { rule, problems } = readRateLimit(found.value, IN_CONFIG, part);
    for (const { severity, key, message } of problems) this.#add(severity, toKeyPath(key), found, message);
    if (paths.length === 0) this.#warn('rateLimit', found, NO_PATH);
    return rule;
  }

  checkCombinations({ paths, schedule, background }: FunctionConfig): void {
    const found = this.#values.get('schedule');
    if (schedule !== undefined && found) {
      if (paths.length > 0)
        this.#refuse('schedule', found, 'and `path` exclude each other: a scheduled function has no URL');
      if (background) this.#warn('schedule', found, 'overrides `background`: the function runs only by its schedule');
    }
    for (const [key, value] of this.#values) {
      if (CONFIG_KEYS.includes(key) || isLostLimit(key)) continue;
      this.#warn(key, value, `is no setting of a function and is not used${didYouMean(key, CONFIG_KEYS)}`);
    }
    for (const [key, why] of Object.entries(UNUSED)) {
      const value = this.#values.get(key);
      if (value) this.#warn(key, value, `is not used: ${why}`);
    }
  }

  /** Warns of literal paths that work here, but differently in `netlify dev`. */
  #warnOfUnusualPath(key: string, found: ConfigValue, path: string): void {
    const quoted = JSON.stringify(path);
    if (path !== path.toLowerCase()) {
      this.#warn(
        key,
        found,
        `has upper-case letters, which match only the same letters of a request; \`netlify dev\` never matches ${quoted}`,
      );
    }
    if (path !== '/' && path.endsWith('/')) {
      this.#warn(
        key,
        found,
        `matches with and without its last slash here, but never in \`netlify dev\`, got ${quoted}`,
      );
    }
  }

  #refuse(key: string, found: ConfigValue, message: string): void {
    this.#add('error', key, found, `${message}; the function gets no URL`);
  }

  #warn(key: string, found: ConfigValue, message: string): void {
    this.#add('warning', key, found, message);
  }

  #add(severity: Problem['severity'], key: string, { value: _, ...location }: ConfigValue, message: string): void {
    this.problems.push({ severity, ...location, message: `${key} ${message}` });
  }
}

const NO_PATH = 'holds for the default URL here, too; the platform needs a `path` for it';

/** A misspelt key of a limit, which may protect the function. */
function isLostLimit(key: string): boolean {
  return !CONFIG_KEYS.includes(key) && nearestWord(key, CONFIG_KEYS) === 'rateLimit';
}

function toKeyPath(key: string): string {
  return key === '' ? 'rateLimit' : `rateLimit.${key}`;
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value);
}

function toMs(seconds: number | undefined): number | undefined {
  return seconds && seconds * 1000;
}

function defined<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  // TypeScript widens a computed key to `string`.
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T };
}
