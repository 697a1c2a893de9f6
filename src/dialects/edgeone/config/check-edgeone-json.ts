import { posix } from 'node:path';
import { didYouMean } from '../../../contract/problem.ts';
import { checkDestination, checkHeader, checkSource } from './check-rule.ts';

/** Told of a mistake: where it is (`headers[2].source`, '' for the whole) and what is wrong, as the rest of a sentence. */
export type Complain = (path: string, message: string, severity?: 'error' | 'warning') => void;

/** Takes what is right from the value of an `edgeone.json` and complains of the rest. Never throws. */
export function checkEdgeOneJson(value: unknown, complain: Complain): EdgeOneJson {
  if (!isObject(value)) complain('', 'must hold one object');
  return new Check(isObject(value) ? value : {}, complain).run();
}

type JsonObject = Readonly<Record<string, unknown>>;

/** What only the platform's build or its network needs. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  ...['$schema', 'name', 'devCommand', 'buildCommand', 'installCommand', 'nodeVersion'],
]);

const USED: ReadonlySet<string> = new Set([
  ...['redirects', 'rewrites', 'headers', 'trailingSlash', 'outputDirectory'],
  ...['cloudFunctions', 'nodeFunctionsConfig', 'node-functions'],
]);

/** What the platform does and nexthop does not. */
const UNDONE: Readonly<Record<string, string>> = {
  caches: 'is not used: nexthop keeps no cache; say Cache-Control in "headers" for the caches in front of it',
  agents: 'is not used: nexthop runs no agents; an "auth" in it guards nothing here',
  schedules: 'is not used: nexthop has no clock for routes; call them by cron',
};

const KEYS: readonly string[] = [...USED, ...ELSEWHERE, ...Object.keys(UNDONE)];

/** As on the platform, which refuses more. */
const MOST_RULES = 100;

const REDIRECT_STATUSES: readonly unknown[] = [301, 302, 303, 304, 307, 308];

/** A day: nobody means more. The platform takes 10 to 120. */
const MOST_SECONDS = 86_400;

class Check {
  readonly #root: JsonObject;
  readonly #complain: Complain;

  constructor(root: JsonObject, complain: Complain) {
    this.#root = root;
    this.#complain = complain;
  }

  run(): EdgeOneJson {
    for (const key of Object.keys(this.#root)) this.#look(key);
    return {
      redirects: this.#rules('redirects', (path, rule) => this.#redirect(path, rule)),
      rewrites: this.#rules('rewrites', (path, rule) => this.#rewrite(path, rule)),
      headers: this.#rules('headers', (path, rule) => this.#header(path, rule)),
      trailingSlash: this.#boolean('trailingSlash'),
      ...this.#ofFunctions(),
      outputDirectory: this.#folder('outputDirectory'),
    };
  }

  #look(key: string): void {
    const undone = Object.hasOwn(UNDONE, key) ? UNDONE[key] : undefined;
    if (undone !== undefined) this.#complain(key, undone, 'warning');
    else if (!KEYS.includes(key)) {
      this.#complain(key, `is no key of edgeone.json and is not used${didYouMean(key, KEYS)}`, 'warning');
    }
  }

  #rules<T>(key: string, toRule: (path: string, rule: JsonObject) => T | undefined): readonly T[] {
    const list = this.#root[key] ?? [];
    if (!Array.isArray(list)) {
      this.#complain(key, `must be a list, got ${spell(list)}`);
      return [];
    }
    if (list.length > MOST_RULES) {
      this.#complain(
        `${key}[${MOST_RULES}]`,
        `and the rules behind it are not used: at most ${MOST_RULES} are allowed`,
      );
    }
    return list.slice(0, MOST_RULES).flatMap((rule: unknown, index) => {
      const path = `${key}[${index}]`;
      if (!isObject(rule)) this.#complain(path, `must be an object, got ${spell(rule)}`);
      const checked = isObject(rule) ? toRule(path, rule) : undefined;
      return checked === undefined ? [] : [checked];
    });
  }

  #redirect(path: string, rule: JsonObject): RedirectRule | undefined {
    this.#only(path, rule, ['source', 'destination', 'statusCode']);
    const { source, destination, statusCode } = rule;
    const rightSource = this.#passes(`${path}.source`, checkSource(source, 'redirect'));
    const right = rightSource && this.#passes(`${path}.destination`, checkDestination(destination, source, 'redirect'));
    if (REDIRECT_STATUSES.includes(statusCode)) {
      return right ? ({ source, destination, statusCode } as RedirectRule) : undefined; // each is checked
    }
    this.#complain(
      `${path}.statusCode`,
      `must be one of ${REDIRECT_STATUSES.join(', ')}, got ${spell(statusCode)}; the rule is not used`,
    );
    return undefined;
  }

  #rewrite(path: string, rule: JsonObject): RewriteRule | undefined {
    this.#only(path, rule, ['source', 'destination']);
    const { source, destination } = rule;
    const right =
      this.#passes(`${path}.source`, checkSource(source, 'rewrite')) &&
      this.#passes(`${path}.destination`, checkDestination(destination, source, 'rewrite'));
    return right ? ({ source, destination } as RewriteRule) : undefined; // both are checked
  }

  #header(path: string, rule: JsonObject): HeaderRule | undefined {
    this.#only(path, rule, ['source', 'headers']);
    const { source, headers } = rule;
    const rightSource = this.#passes(`${path}.source`, checkSource(source, 'headers'));
    if (!Array.isArray(headers)) {
      this.#complain(`${path}.headers`, `must be a list of { "key", "value" }, got ${spell(headers)}`);
      return undefined;
    }
    const fields = headers.filter((field: unknown, index) => this.#field(`${path}.headers[${index}]`, field));
    return rightSource && fields.length > 0 ? { source: String(source), headers: fields } : undefined;
  }

  #field(path: string, field: unknown): field is RuleHeader {
    if (!isObject(field)) return this.#passes(path, `must be { "key", "value" }, got ${spell(field)}`);
    this.#only(path, field, ['key', 'value']);
    return this.#passes(path, checkHeader(field.key, field.value));
  }

  #ofFunctions(): Pick<EdgeOneJson, 'maxDurationMs' | 'externalPackages'> {
    const oldest = this.#section('node-functions', ['included_files', 'external_node_modules']);
    const older = this.#section('nodeFunctionsConfig', ['maxDuration', 'includeFiles', 'externalNodeModules']);
    this.#section('cloudFunctions', ['nodejs', 'mainlandRegions', 'overseasRegions']);
    const newer = this.#section('cloudFunctions.nodejs', ['includeFiles', 'externalNodeModules', 'maxDuration']);
    return {
      maxDurationMs:
        this.#seconds('cloudFunctions.nodejs.maxDuration', newer.maxDuration) ??
        this.#seconds('nodeFunctionsConfig.maxDuration', older.maxDuration),
      externalPackages: new Set([
        ...this.#names('cloudFunctions.nodejs.externalNodeModules', newer.externalNodeModules),
        ...this.#names('nodeFunctionsConfig.externalNodeModules', older.externalNodeModules),
        ...this.#names('node-functions.external_node_modules', oldest.external_node_modules),
      ]),
    };
  }

  #names(path: string, value: unknown): readonly string[] {
    if (value === undefined) return [];
    if (Array.isArray(value) && value.every((name): name is string => typeof name === 'string')) return value;
    this.#complain(path, `must be a list of names of packages, got ${spell(value)}; it is not used`);
    return [];
  }

  /** An object at a path of keys; an empty one if there is none. */
  #section(path: string, keys: readonly string[]): JsonObject {
    const names = path.split('.');
    const section = names.reduce<unknown>((above, name) => (isObject(above) ? above[name] : undefined), this.#root);
    if (section === undefined) return {};
    if (!isObject(section)) {
      this.#complain(path, `must be an object, got ${spell(section)}`);
      return {};
    }
    this.#only(path, section, keys);
    return section;
  }

  #seconds(path: string, value: unknown): number | undefined {
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value > 0 && value <= MOST_SECONDS) return Math.ceil(value * 1000);
    this.#complain(path, `must be seconds, more than 0 and at most ${MOST_SECONDS}, got ${spell(value)}`);
    return undefined;
  }

  #boolean(key: string): boolean | undefined {
    const value = this.#root[key];
    if (value === undefined || typeof value === 'boolean') return value;
    this.#complain(key, `must be true or false, got ${spell(value)}`);
    return undefined;
  }

  #folder(key: string): string | undefined {
    const value = this.#root[key];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '') {
      this.#complain(key, `must be the path of a folder, got ${spell(value)}`);
      return undefined;
    }
    // "./build/" and "/build" are both the site's own.
    return posix.normalize(value).replace(/^\/+|\/+$/g, '') || '.';
  }

  #only(path: string, object: JsonObject, keys: readonly string[]): void {
    for (const key of Object.keys(object)) {
      if (keys.includes(key)) continue;
      const message = `is not used; known are ${keys.join(', ')}${didYouMean(key, keys)}`;
      this.#complain(`${path}.${key}`, message, 'warning');
    }
  }

  /** False, with a complaint, when there is one. */
  #passes(path: string, complaint: string | undefined): complaint is undefined {
    if (complaint !== undefined) this.#complain(path, `${complaint}; the rule is not used`);
    return complaint === undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function spell(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80);
}

/** What `edgeone.json` says that matters to a running site, checked: rules that are wrong are left out. */
export interface EdgeOneJson {
  readonly redirects: readonly RedirectRule[];
  readonly rewrites: readonly RewriteRule[];
  readonly headers: readonly HeaderRule[];
  /** True: every path but those of files ends with a slash. False: none does. Undefined: both forms stand. */
  readonly trailingSlash: boolean | undefined;
  /** How long a Node function may run; undefined: the default holds. */
  readonly maxDurationMs: number | undefined;
  /** The folder with the site's files, relative to the site, `.` for the site itself; undefined: not said. */
  readonly outputDirectory: string | undefined;
  /** Names of packages that are brought along elsewhere. */
  readonly externalPackages: ReadonlySet<string>;
}

export interface RedirectRule {
  /** A path with `:name` for a segment and at most one `*`; or `$host`, `$wwwhost`. */
  readonly source: string;
  /** A path or an URL with the names of the source, `:splat` for its star; or the other of `$host`, `$wwwhost`. */
  readonly destination: string;
  readonly statusCode: number;
}

export interface RewriteRule {
  readonly source: string;
  /** A path. */
  readonly destination: string;
}

export interface HeaderRule {
  readonly source: string;
  readonly headers: readonly RuleHeader[];
}

/** A field that an answer gets. */
export interface RuleHeader {
  readonly key: string;
  readonly value: string;
}
