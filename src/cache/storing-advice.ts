import type { Exchange } from '../contract/exchange.ts';
import type { Log } from '../contract/log.ts';
import type { Refusal, StorableResponse } from './policy/storable-response.ts';

/** Further warnings are not logged, so that the memory stays bounded. */
const MOST_WARNINGS = 10_000;

/** Headers that nearly every client sends with a value of its own. */
const NEARLY_UNIQUE: readonly string[] = ['cookie', 'user-agent'];

/** Warns of responses that have a lifetime for caches, and of which the cache is of no use. Once for each route. */
export class StoringAdvice {
  readonly #log: Pick<Log, 'warn'>;
  readonly #given = new Set<string>();

  constructor(log: Pick<Log, 'warn'>) {
    this.#log = log;
  }

  /** `storable`: what the head of the response to this exchange says. */
  give({ answeredBy, route }: Exchange, storable: StorableResponse | Refusal): void {
    if (typeof storable === 'string') {
      if (storable === 'set-cookie') this.#warn(answeredBy, route, SETS_COOKIE);
      return;
    }
    const { headers } = storable.variation;
    if (headers.length === 0) return;
    for (const name of NEARLY_UNIQUE.filter((each) => headers.includes(each))) {
      this.#warn(
        answeredBy,
        route,
        `a response has a lifetime for caches and varies by ${name}: it is stored ${OFTEN}`,
      );
    }
  }

  #warn(target: string, route: string, message: string): void {
    const key = `${target} ${route} ${message}`;
    if (this.#given.size >= MOST_WARNINGS || this.#given.has(key)) return;
    this.#given.add(key);
    this.#log.warn(message, { target, route });
  }
}

const SETS_COOKIE =
  'a response has a lifetime for caches and Set-Cookie: it is not stored, because a cookie belongs to one client';
const OFTEN = 'for each of its values, and seldom used; Netlify-Vary can name what matters';
