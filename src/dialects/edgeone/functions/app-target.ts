import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { PatternSegment } from '../../../contract/pattern.ts';
import type { Answer, Outcome, Params, Target } from '../../../contract/target.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import type { App } from './app.ts';
import type { Platform } from './platform.ts';

export interface AppTargetParts {
  /** The file, relative to the site. */
  readonly name: string;
  readonly app: App;
  readonly platform: Platform;
  readonly limits: FunctionLimits;
  /** Segments of the route's pattern. */
  readonly segments: readonly PatternSegment[];
}

/**
 * A file with the app of a framework. The app answers every path below its folder; paths that it
 * has no route for get its own 404.
 */
export class AppTarget implements Target {
  readonly name: string;
  readonly #app: App;
  readonly #platform: Platform;
  readonly #limits: FunctionLimits;
  /** Number of leading path segments that are removed from the app's URL. */
  readonly #prefixLength: number;

  constructor({ name, app, platform, limits, segments }: AppTargetParts) {
    this.name = name;
    this.#app = app;
    this.#platform = platform;
    this.#limits = limits;
    this.#prefixLength = prefixLength(segments);
  }

  answer(exchange: Exchange, params: Params): Answer {
    // Apps cannot open WebSockets, as on the platform. A later route or the hop may.
    if (exchange.upgrade) return 'passed';
    const limits = this.#limits;
    limits.limitBody(exchange);
    const url = this.#toOwnUrl(exchange.target);
    exchange.noteRun();
    try {
      const served = this.#app.serve({ exchange, url, params, platform: this.#platform, limits });
      return served === undefined ? 'answered' : served.then(toAnswered, failCall);
    } catch (cause) {
      return failCall(cause);
    }
  }

  /**
   * Joins the non-empty segments, as the platform does: `/express//users/7/?y=2` → `/users/7?y=2`.
   */
  #toOwnUrl(target: string): string {
    const query = target.indexOf('?');
    const path = query < 0 ? target : target.slice(0, query);
    // As most are: nothing to rebuild.
    if (!path.endsWith('/') && !path.includes('//')) {
      let at = 0;
      for (let left = this.#prefixLength; left > 0 && at >= 0; left--) at = path.indexOf('/', at + 1);
      return at < 0 ? `/${target.slice(path.length)}` : target.slice(at);
    }
    const segments = path.split('/').filter((segment) => segment !== '');
    return `/${segments.slice(this.#prefixLength).join('/')}${target.slice(path.length)}`;
  }
}

function toAnswered(): Outcome {
  return 'answered';
}

function failCall(cause: unknown): never {
  throw cause instanceof Fault ? cause : new Fault('function_error', { cause });
}

/**
 * Removes segments up to the last literal of the folder, as the platform does:
 * `t/[id]/[[default]].js` gets `/t/9/a` as `/9/a`. A pattern without a catch-all is that of the
 * bare folder: the app gets `/`.
 */
function prefixLength(segments: readonly PatternSegment[]): number {
  if (segments.at(-1)?.kind !== 'catch-all') return segments.length;
  return segments.findLastIndex(({ kind }) => kind === 'literal') + 1;
}
