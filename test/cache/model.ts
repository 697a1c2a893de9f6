import test from 'ava';
import { type CachedServer, serveCached } from '../helpers/cached-server.ts';
import { Random } from '../helpers/differential/random.ts';
import { writeText } from '../helpers/write-text.ts';

/** What a target answered to one call, and when. */
interface Call {
  readonly path: string;
  readonly query: string;
  readonly variant: string;
  readonly policy: Policy;
  readonly atMs: number;
}

interface Policy {
  readonly headers: readonly string[];
  readonly status: number;
  /** Seconds; undefined: it must not be stored. */
  readonly lifetimeS: number | undefined;
  readonly staleS: number;
  readonly tag: string;
}

const VARY = ['Vary', 'X-A'];

const POLICIES: readonly Omit<Policy, 'tag'>[] = [
  { headers: [...VARY, 'Cache-Control', 'max-age=5'], status: 200, lifetimeS: 5, staleS: 0 },
  { headers: [...VARY, 'CDN-Cache-Control', 'max-age=9'], status: 404, lifetimeS: 9, staleS: 0 },
  { headers: [...VARY, 'Cache-Control', 's-maxage=2, stale-while-revalidate=4'], status: 200, lifetimeS: 2, staleS: 4 },
  { headers: [...VARY, 'Cache-Control', 'private, max-age=5'], status: 200, lifetimeS: undefined, staleS: 0 },
  {
    headers: [...VARY, 'Cache-Control', 'max-age=5', 'Set-Cookie', 'a=b'],
    status: 200,
    lifetimeS: undefined,
    staleS: 0,
  },
  { headers: [...VARY, 'Cache-Control', 'max-age=5'], status: 500, lifetimeS: undefined, staleS: 0 },
  { headers: [...VARY], status: 200, lifetimeS: undefined, staleS: 0 },
];

/** Whether the response to this call may answer a request now. */
class Model {
  readonly calls: Call[] = [];
  nowMs = 0;
  readonly #writtenAtMs = new Map<string, number>();
  readonly #bannedAtMs = new Map<string, number>();

  write(path: string): void {
    this.#writtenAtMs.set(path, this.calls.length);
  }

  ban(tag: string): void {
    this.#bannedAtMs.set(tag, this.nowMs);
  }

  mayUse(number: number, asked: Pick<Call, 'path' | 'query' | 'variant'>): boolean {
    const call = this.calls[number - 1] as Call; // each body is the number of a call
    const { path, query, variant, policy, atMs } = call;
    if (path !== asked.path || query !== asked.query || variant !== asked.variant) return false;
    const { lifetimeS, staleS, tag } = policy;
    const ageS = (this.nowMs - atMs) / 1000;
    if (lifetimeS === undefined || ageS >= lifetimeS + staleS) return false;
    return (this.#bannedAtMs.get(tag) ?? -1) < atMs && (this.#writtenAtMs.get(path) ?? 0) < number;
  }
}

for (const seed of [1, 2, 3]) {
  test(`three hundred random requests get only responses that the rules allow (seed ${seed})`, async (t) => {
    const random = new Random(seed);
    const model = new Model();
    const server: CachedServer = await serveCached(t, (exchange, number) => {
      const { target, request } = exchange;
      if (request.method !== 'GET') {
        writeText(exchange, 204, '', []);
        model.calls.push({
          path: '',
          query: '',
          variant: '',
          policy: { ...(POLICIES[6] as Policy), tag: '' },
          atMs: 0,
        });
        return;
      }
      const [path = '', query = ''] = target.split('?');
      const policy = { ...random.pick(POLICIES), tag: random.pick(['a', 'b']) };
      const sorted = query.split('&').sort().join('&');
      model.calls.push({ path, query: sorted, variant: request.get('x-a') ?? '', policy, atMs: model.nowMs });
      writeText(exchange, policy.status, String(number), [...policy.headers, 'Cache-Tag', policy.tag]);
    });

    let hits = 0;
    for (let at = 0; at < 300; at++) {
      const path = random.pick(['/a', '/b']);
      const action = random.below(20);
      if (action === 0) {
        await server.ask({ path, method: 'POST' });
        model.write(path);
      } else if (action === 1) {
        const tag = random.pick(['a', 'b']);
        server.ban(tag);
        model.ban(tag);
      }
      const ms = random.below(1500);
      server.pass(ms + 1);
      model.nowMs += ms + 1;
      const query = random.pick(['', 'x=1', 'x=1&y=2', 'y=2&x=1']);
      const variant = random.pick(['', '1']);
      const asked = { path, query: query.split('&').sort().join('&'), variant };
      const before = model.calls.length;
      const target = query === '' ? path : `${path}?${query}`;
      const reply = await server.ask({ path: target, headers: variant === '' ? {} : { 'x-a': variant } });
      await server.settled();
      const number = Number(reply.body);
      if (number > before) continue;
      hits++;
      t.true(model.mayUse(number, asked), `request ${at} got ${number} of ${before}: ${target}`);
    }
    t.true(hits > 20, `${hits} of 300 requests were answered from the cache`);
  });
}
