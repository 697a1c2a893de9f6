import { hash } from 'node:crypto';
import { nearestWord } from '../../../contract/nearest-word.ts';
import { didYouMean, type Problem } from '../../../contract/problem.ts';
import type { LimitKey, RateRule } from '../../../contract/rate-limit.ts';
import { isTable } from './config-values.ts';

/** The names of the keys of a rate limit, in `config` of a function and in `netlify.toml`. */
export interface LimitNames {
  readonly limit: string;
  readonly window: string;
  readonly by: string;
  /** Undefined: the key is not supported. */
  readonly algorithm?: string;
}

export const IN_CONFIG: LimitNames = {
  limit: 'windowLimit',
  window: 'windowSize',
  by: 'aggregateBy',
  algorithm: 'algorithm',
};
/** Of edge functions. */
export const IN_EDGE_CONFIG: LimitNames = { limit: 'windowLimit', window: 'windowSize', by: 'aggregateBy' };
export const IN_TOML: LimitNames = {
  limit: 'window_limit',
  window: 'window_size',
  by: 'aggregate_by',
  algorithm: 'algorithm',
};

/** What a rate limit is for. */
export interface LimitedPart {
  /** The file that holds the limit, relative to the site. */
  readonly file: string;
  /** What tells it from the others of the file. With the file and the numbers it names the counts. */
  readonly part: string;
  /** For clients. */
  readonly name: string;
  /** The paths of the part, as patterns: `to` must be none of them. */
  readonly paths: readonly string[];
}

export interface LimitReading {
  /** 'wrong': what it limits must not be opened, because the limit may protect it. */
  readonly rule: RateRule | 'wrong';
  /** The messages continue a sentence whose subject is the key, '' for the limit itself. */
  readonly problems: readonly (Pick<Problem, 'severity' | 'message'> & { readonly key: string })[];
}

/** Reads a rate limit as the platform writes it. Any unknown key and any wrong value makes it 'wrong'. Never throws. */
export function readRateLimit(value: unknown, names: LimitNames, part: LimitedPart): LimitReading {
  return new Limit(value, names, part).read();
}

/** For lists of routes: `5/60s per ip+domain`. */
export function describeLimit({ limit, windowMs, by, rewriteTo }: RateRule): string {
  const instead = rewriteTo === undefined ? '' : `, then ${rewriteTo}`;
  return `at most ${limit}/${windowMs / 1000}s per ${by.join('+')}${instead}`;
}

const DEFAULT_WINDOW_S = 60;
const LONGEST_WINDOW_S = 86_400;
/** The longest one that the platform documents. */
const PLATFORM_WINDOW_S = 180;

class Limit {
  readonly #table: Readonly<Record<string, unknown>>;
  readonly #names: LimitNames;
  readonly #part: LimitedPart;
  readonly #isTable: boolean;
  readonly #problems: LimitReading['problems'][number][] = [];
  /** Keys that are misspelt, so that one mistake is not reported as a missing key, too. */
  readonly #meant = new Set<string>();

  constructor(value: unknown, names: LimitNames, part: LimitedPart) {
    this.#names = names;
    this.#part = part;
    this.#table = isTable(value) ? value : {};
    this.#isTable = isTable(value);
    if (!this.#isTable) this.#refuse('', `must be a table that is written out, got ${toText(value)}`);
  }

  read(): LimitReading {
    if (!this.#isTable) return { rule: 'wrong', problems: this.#problems };
    const { limit: limitKey, window: windowKey, by: byKey, algorithm } = this.#names;
    const known = [limitKey, windowKey, byKey, 'action', 'to', ...(algorithm === undefined ? [] : [algorithm])];
    this.#checkKeys(known);
    const limit = this.#whole(limitKey, Number.MAX_SAFE_INTEGER, undefined);
    const windowS = this.#whole(windowKey, LONGEST_WINDOW_S, DEFAULT_WINDOW_S);
    const by = this.#by(byKey);
    const rewriteTo = this.#rewriteTo();
    if (algorithm !== undefined) this.#algorithm();
    const { file, part, name } = this.#part;
    const isWrong = this.#problems.some(({ severity }) => severity === 'error');
    const id = hash('sha256', JSON.stringify([file, part, limit, windowS, by]), 'base64url').slice(0, 16);
    const rule = { id, name, limit, windowMs: windowS * 1000, by, ...(rewriteTo !== undefined && { rewriteTo }) };
    // What is right about a wrong limit has no effect.
    const problems = isWrong ? this.#problems.filter(({ severity }) => severity === 'error') : this.#problems;
    return { rule: isWrong ? 'wrong' : rule, problems };
  }

  #whole(key: string, most: number, standard: number | undefined): number {
    const value = this.#table[key] ?? standard;
    if (value === undefined && this.#meant.has(key)) return 1;
    if (!Number.isSafeInteger(value) || Number(value) < 1 || Number(value) > most) {
      const range = most === Number.MAX_SAFE_INTEGER ? 'of at least 1' : `from 1 to ${most}`;
      this.#refuse(key, `must be a whole number ${range}, got ${toText(value)}`);
      return 1;
    }
    if (key === this.#names.window) this.#noteWindow(key, Number(value));
    return Number(value);
  }

  #noteWindow(key: string, seconds: number): void {
    if (!(key in this.#table)) this.#warn(key, `is not set: ${seconds} seconds are used`);
    if (seconds > PLATFORM_WINDOW_S)
      this.#warn(key, `is ${seconds} s, which holds here; on the platform it is at most ${PLATFORM_WINDOW_S} s`);
  }

  /** A single text counts as written; the platform's builder drops it. */
  #by(key: string): readonly LimitKey[] {
    const value = this.#table[key];
    if (value === undefined) {
      this.#warn(
        key,
        'is not set: all clients of a host share the limit, and one of them can use it up; "ip" counts each by itself',
      );
      return ['domain'];
    }
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (list.length > 0 && list.every(isLimitKey)) return [...new Set(list)].toSorted().reverse();
    this.#refuse(key, `must be "ip", "domain" or a list of them, got ${toText(value)}`);
    return ['domain'];
  }

  /** Undefined for an answer with 429. */
  #rewriteTo(): string | undefined {
    const { action = 'rate_limit', to } = this.#table;
    if (action !== 'rate_limit' && action !== 'rewrite') {
      this.#refuse('action', `must be "rate_limit" or "rewrite", got ${toText(action)}`);
      return undefined;
    }
    const isPath = typeof to === 'string' && /^\/(?!\/)[!-~]*$/.test(to);
    if ((action === 'rewrite' || to !== undefined) && !isPath) {
      this.#refuse('to', `must be a path of this site that starts with "/", got ${toText(to)}`);
    } else if (action === 'rate_limit' && to !== undefined) {
      this.#warn('to', 'is not used without action "rewrite"');
    } else if (action === 'rewrite' && this.#part.paths.includes(String(to))) {
      this.#warn('to', 'is the path of the limit itself: requests above it get 429');
    }
    return action === 'rewrite' && isPath ? to : undefined;
  }

  #algorithm(): void {
    const { algorithm = 'sliding_window' } = this.#table;
    if (algorithm !== 'sliding_window') this.#refuse('algorithm', `must be "sliding_window", got ${toText(algorithm)}`);
  }

  #checkKeys(known: readonly string[]): void {
    for (const key of Object.keys(this.#table)) {
      if (known.includes(key)) continue;
      this.#meant.add(nearestWord(key, known) ?? '');
      this.#refuse(key, `is no key of a rate limit${didYouMean(key, known)}`);
    }
  }

  #refuse(key: string, message: string): void {
    this.#problems.push({ severity: 'error', key, message: `${message}; what it limits answers 404` });
  }

  #warn(key: string, message: string): void {
    this.#problems.push({ severity: 'warning', key, message });
  }
}

function isLimitKey(value: unknown): value is LimitKey {
  return value === 'ip' || value === 'domain';
}

function toText(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}
