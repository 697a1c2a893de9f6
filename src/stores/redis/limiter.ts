import { hash, randomUUID } from 'node:crypto';
import { type RateRule, type SharedLimiter, type Take, toTake } from '../../contract/rate-limit.ts';
import type { Connection } from './connection.ts';
import { toList, toNumber } from './reply.ts';
import { toScript } from './script.ts';

/**
 * The counts of one key of a rule: the number of its window, the requests in it, and those in the window before. A
 * window begins by the clock of Redis, so the clocks of containers do not matter.
 *
 * KEYS: the key. ARGV: limit, window in ms. Returns 1 if the request may pass, then current, previous, and the ms since the window began.
 */
const TAKE = toScript(
  'memory',
  `
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local slot = math.floor(now / window)
local elapsed = now - slot * window
local found = redis.call('HMGET', KEYS[1], 'slot', 'current', 'previous')
local current, previous = tonumber(found[2]) or 0, tonumber(found[3]) or 0
local passed = slot - (tonumber(found[1]) or slot)
-- A clock that steps back keeps the counts.
if passed == 1 then previous, current = current, 0 end
if passed > 1 then previous, current = 0, 0 end
local allowed = previous * (1 - elapsed / window) + current + 1 <= limit
if allowed then current = current + 1 end
if allowed or passed ~= 0 then
  redis.call('HSET', KEYS[1], 'slot', slot, 'current', current, 'previous', previous)
  redis.call('PEXPIRE', KEYS[1], math.ceil(2 * window))
end
return { allowed and 1 or 0, current, previous, math.floor(elapsed) }`,
);

/** How long a process counts as one of several after it has reported. */
const PRESENCE_MS = 30_000;

/** KEYS: the set of processes. ARGV: id of this process, ms. Returns how many processes have reported within that time. */
const REPORT = toScript(
  'memory',
  `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])`,
);

/** Counts requests for all processes with the same prefix. A Cluster may store each key on another node. */
export class RedisLimiter implements SharedLimiter {
  readonly #connection: Connection;
  readonly #prefix: string;
  readonly #salt: string;
  readonly #id = randomUUID();

  /** `salt`: makes hashes of addresses those of this site. */
  constructor(connection: Connection, prefix: string, salt: string) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#salt = salt;
  }

  async take(rule: RateRule, key: string): Promise<Take> {
    const reply = await this.#connection.run(
      TAKE,
      this.#toRoot(`${rule.id}:${this.#hash(key)}`),
      rule.limit,
      rule.windowMs,
    );
    const [isAllowed, current = 0, previous = 0, elapsedMs = 0] = toList(reply).map(toNumber);
    return toTake(rule, { current, previous, elapsedMs }, isAllowed === 1);
  }

  async countProcesses(): Promise<number> {
    return toNumber(await this.#connection.run(REPORT, this.#toRoot('processes'), this.#id, PRESENCE_MS));
  }

  #toRoot(name: string): string {
    return `{${this.#prefix}:/limits:${name}}`;
  }

  /** No address is stored in the clear. */
  #hash(key: string): string {
    return hash('sha256', `${this.#salt} ${key}`, 'base64url').slice(0, 22);
  }
}
