import { hash, timingSafeEqual } from 'node:crypto';
import type { AskedRequest, Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { toGuardedPaths, toPagePaths } from '../../../http/guarded-paths.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import { patchRequest } from '../../../http/patch-request.ts';
import { BASIC_AUTH, type HeaderRule } from '../config/header-rule.ts';
import { PathGlob } from './path-glob.ts';

interface Guard {
  readonly glob: PathGlob;
  /** Hashes of `user:password`, so that comparing takes the same time for all. */
  readonly credentials: readonly Buffer[];
}

/**
 * The `Basic-Auth` of header rules: a request whose path, as any server may read it, or another path of
 * the same page matches such a rule needs a name and a password of that rule; else 401. Of several rules the last one counts.
 * Guards everything: files, functions, redirects, WebSockets and the next hop.
 */
export class BasicAuthFilter implements Target {
  readonly name: string;
  readonly isOwn = true;
  readonly #guards: readonly Guard[];
  /** The credentials of a client's request, for requests that it causes to the site itself. */
  readonly #accepted = new WeakMap<Exchange['requestId'], Buffer>();

  constructor(rules: readonly HeaderRule[]) {
    this.name = rules[0]?.file ?? '';
    this.#guards = rules.map(({ path, values }) => ({ glob: new PathGlob(path), credentials: toCredentials(values) }));
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    const guards = this.#guardsOf(exchange);
    if (guards.length === 0) return 'passed';
    const { requestId } = exchange;
    const given = this.#accepted.get(requestId) ?? credentialsOf(exchange);
    if (!guards.every((guard) => isAmong(given, guard.credentials))) {
      throw new Fault('login_required', { headers: ['WWW-Authenticate', 'Basic realm="site", charset="UTF-8"'] });
    }
    this.#accepted.set(requestId, given);
    exchange.runs?.passed?.(`Basic-Auth of ${this.name}`);
    // They are of this site and not for the server after it.
    patchRequest(exchange.request, [['authorization', undefined]]);
    overlayAnswer(exchange, { headers: [['Cache-Control', 'private, no-cache']] });
    return 'passed';
  }

  describe(asked: AskedRequest): Effect | undefined {
    const text = 'answers 401 to clients without a name and a password of its rule';
    return this.#guardsOf(asked).length > 0 ? { text, outcome: 'may-answer' } : undefined;
  }

  /** For each reading of the path the guard that counts: the last one that matches any path of the same page. */
  #guardsOf({ target, kept }: AskedRequest): readonly Guard[] {
    const guards = toGuardedPaths(target, kept).flatMap((path) => {
      const paths = toPagePaths(path);
      return this.#guards.findLast(({ glob }) => paths.some((each) => glob.matches(each, true))) ?? [];
    });
    return [...new Set(guards)];
  }
}

/** None of a value that is no list of names and passwords: the path is closed then. */
function toCredentials(values: HeaderRule['values']): readonly Buffer[] {
  const [, value = ''] = values.get(BASIC_AUTH) ?? [];
  return value.split(/\s+/).flatMap((each) => (each.indexOf(':') > 0 ? [digest(each)] : []));
}

/** `user:password` of the request, hashed. */
function credentialsOf({ request }: Exchange): Buffer {
  const [, encoded = ''] = /^Basic +([A-Za-z\d+/=_-]+) *$/i.exec(request.get('authorization') ?? '') ?? [];
  return digest(Buffer.from(encoded, 'base64').toString());
}

/** Compares with all, so that the time does not depend on which of them it is. */
function isAmong(given: Buffer, credentials: readonly Buffer[]): boolean {
  return credentials.map((each) => timingSafeEqual(given, each)).includes(true);
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
