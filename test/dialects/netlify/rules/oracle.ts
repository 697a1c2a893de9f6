import { createRequire } from 'node:module';
import test from 'ava';
import { readRedirectsFile } from '../../../../src/dialects/netlify/config/redirects-file.ts';
import { toRedirectRoutes } from '../../../../src/dialects/netlify/rules/to-redirect-routes.ts';
import { createRouter } from '../../../../src/routing/router.ts';
import { captureRedirect } from '../../../helpers/capture-redirect.ts';

/** The platform's own matcher, as `netlify dev` uses it. Its package has no types. */
interface Oracle {
  parsePlain(rules: string, options: object): Promise<{ match(request: object): OracleMatch | null }>;
}

interface OracleMatch {
  readonly to: string;
  readonly status: number;
}

const oracle: Oracle = createRequire(import.meta.url)('netlify-redirector');

/** Repeatable random numbers (mulberry32). */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0];
  }

  many<T>(most: number, create: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, create);
  }
}

const WORDS = ['a', 'b', 'zoo', 'z', 'c.d', 'e-f'] as const;

/** A rule whose target begins with its number. */
function createRule(dice: Dice, number: number): string {
  const drawn = dice.many(3, () => dice.pick([...WORDS, ':x', ':y', ':p-q', '*']));
  // With several stars it depends on a slash at the end of the path what the platform gives to which.
  const middle = drawn.filter((each, at) => each !== '*' || drawn.indexOf('*') === at);
  const last = dice.pick(middle.includes('*') ? ['', '/', '/:splat'] : ['', '', '/', '/*', '/*', '/z*', '/:splat']);
  const from = `/${middle.join('/')}${middle.length === 0 ? last.replace('/', '') : last}`;
  const query = dice.pick(['', '', '', 'id=:id', 'k=v', 'k=v id=:id']);
  const values = dice.many(2, () => dice.pick([':x', ':y', ':p-q', ':splat', ':id', ':none', 'm:x-:y', ':splat.html']));
  const ownQuery = dice.pick(['', '', '?q=:x', '?q=1']);
  const condition = dice.pick(['', '', '', '', ' 301 Cookie=ck', ' 302 Language=de', ' 308', ' 302 Language=en,fr']);
  return `${from} ${query} ${['', `r${number}`, ...values].join('/')}${ownQuery}${condition}`;
}

interface OracleRequest {
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
}

function createRequest(dice: Dice): OracleRequest {
  const segments = dice.many(4, () => dice.pick([...WORDS, '1', 'zebra']));
  return {
    path: `/${segments.join('/')}${segments.length > 0 ? dice.pick(['', '', '/']) : ''}`,
    query: dice.pick(['', '', 'id=5', 'id=', 'k=v', 'k=v&id=7&n=1', 'id=1&id=2', 'n=1', 'k=x']),
    headers: dice.pick([{}, {}, { cookie: 'ck=1' }, { 'accept-language': 'de' }, { 'accept-language': 'fr-CA,en' }]),
  };
}

async function askOracle(rules: string, requests: readonly OracleRequest[]): Promise<readonly (OracleMatch | null)[]> {
  const matcher = await oracle.parsePlain(rules, {});
  return requests.map(({ path, query, headers }) =>
    matcher.match({
      ...{ scheme: 'http', host: 'a', path, query, headers },
      cookieValues: { ck: headers.cookie === undefined ? '' : '1' },
      // `netlify dev` reads the first language of the client for it.
      getHeader: (name: string) => (name.toLowerCase() === 'x-language' ? languageOf(headers) : ''),
      getCookie: (name: string) => (name === 'ck' && headers.cookie !== undefined ? '1' : ''),
    }),
  );
}

function languageOf(headers: OracleRequest['headers']): string {
  return (headers['accept-language'] ?? '').split(',', 1)[0] ?? '';
}

/** The Location for the match: with the query of the request unless the rule has its own, without what the rule captures. */
function toLocation({ to }: OracleMatch, { query }: OracleRequest, lines: readonly string[]): string {
  if (to.includes('?')) return to;
  const [, number = ''] = /^\/r(\d+)/.exec(to) ?? [];
  const named = new Set([...(lines[Number(number)] ?? '').matchAll(/ (\w+)=(?::id|v)/g)].map(([, name]) => name));
  const rest = query.split('&').filter((pair) => pair !== '' && !named.has(pair.split('=')[0]));
  return rest.length > 0 ? `${to}?${rest.join('&')}` : to;
}

test("10,000 random requests against random rules get the same result as from the platform's matcher", async (t) => {
  const dice = new Dice(20261129);
  let matches = 0;
  for (let round = 0; round < 200; round++) {
    const lines = Array.from({ length: 12 }, (_, number) => createRule(dice, number));
    const requests = Array.from({ length: 50 }, () => createRequest(dice));
    const { rules, problems } = readRedirectsFile(lines.join('\n'), '_redirects');
    t.deepEqual(problems, []);
    const { routes } = toRedirectRoutes({ rules, functions: [], project: { createRouter, env: {} } });
    const router = createRouter(routes.filter(({ step }) => step === 6));
    const expected = await askOracle(lines.join('\n'), requests);
    for (const [index, request] of requests.entries()) {
      const match = expected[index];
      const found = await captureRedirect(router, {
        ...request,
        target: request.path + (request.query && `?${request.query}`),
      });
      const wanted = match ? { status: match.status, location: toLocation(match, request, lines) } : undefined;
      if (match) matches++;
      // One assertion for each of these would take most of the time.
      if (JSON.stringify(found) !== JSON.stringify(wanted))
        t.deepEqual(found, wanted, `${JSON.stringify(request)}\n${lines.join('\n')}`);
    }
  }
  t.true(matches > 3000, `${matches} matches`);
});
