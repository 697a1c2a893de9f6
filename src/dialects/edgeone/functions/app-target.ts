import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { PatternSegment } from '../../../contract/pattern.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import type { App } from './app.ts';
import type { Platform } from './platform.ts';

export interface AppTargetParts {
  /** The file, relative to the site. */
  readonly name: string;
  readonly app: App;
  readonly platform: Platform;
  readonly limits: FunctionLimits;
  /** Of the route: what stands in front of the app's own paths. */
  readonly segments: readonly PatternSegment[];
}

/** A file with a framework's app. It answers everything below its folder, also with its own 404. */
export class AppTarget implements Target {
  readonly name: string;
  readonly #app: App;
  readonly #platform: Platform;
  readonly #limits: FunctionLimits;
  /** How many segments of the path the app does not see. */
  readonly #prefixLength: number;

  constructor({ name, app, platform, limits, segments }: AppTargetParts) {
    this.name = name;
    this.#app = app;
    this.#platform = platform;
    this.#limits = limits;
    this.#prefixLength = prefixLength(segments);
  }

  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    // Apps have no WebSockets, on the platform neither; somebody behind them may.
    if (exchange.upgrade) return 'passed';
    const limits = this.#limits;
    limits.limitBody(exchange);
    const url = this.#toOwnUrl(exchange.target);
    try {
      await this.#app.serve({ exchange, url, params, platform: this.#platform, limits });
    } catch (cause) {
      throw cause instanceof Fault ? cause : new Fault('function_error', { cause });
    }
    return 'answered';
  }

  /** Rebuilt from the segments that are not empty, as the platform does: `/express//users/7/?y=2` → `/users/7?y=2`. */
  #toOwnUrl(target: string): string {
    const query = target.indexOf('?');
    const path = query < 0 ? target : target.slice(0, query);
    const segments = path.split('/').filter((segment) => segment !== '');
    return `/${segments.slice(this.#prefixLength).join('/')}${query < 0 ? '' : target.slice(query)}`;
  }
}

/**
 * Up to the last literal of the folder: the app in `t/[id]/[[default]].js` sees `/t/9/a` as `/9/a`, as on the platform.
 * Without a catch-all it is the route of the bare folder, where every app sees `/`.
 */
function prefixLength(segments: readonly PatternSegment[]): number {
  if (segments.at(-1)?.kind !== 'catch-all') return segments.length;
  return segments.findLastIndex(({ kind }) => kind === 'literal') + 1;
}
