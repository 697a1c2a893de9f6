import { randomUUID } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { Claim, NewJob, Queue, Tick, TickOutcome } from '../../contract/store.ts';
import type { Connection } from './connection.ts';
import { RedisLedger } from './ledger.ts';
import { AGAIN, BURY, CLAIM, DONE, EXTEND, PUSH, TICK } from './queue-scripts.ts';
import { toJob, toList, toText } from './reply.ts';
import type { Script } from './script.ts';
import type { WakeUp } from './wake-up.ts';

/**
 * The jobs of all processes with the same prefix. The clock of Redis decides which job is due and
 * which lease has ended.
 */
export class RedisQueue implements Queue {
  readonly ledger: RedisLedger;
  readonly #connection: Connection;
  /** The key with which all keys of the queue begin. */
  readonly #root: string;
  readonly #wakeUp: WakeUp;
  readonly #nextId = monotonicFactory();
  readonly #lostClaims = new LostClaims();

  constructor(connection: Connection, root: string, wakeUp: WakeUp) {
    this.#connection = connection;
    this.#root = root;
    this.#wakeUp = wakeUp;
    this.ledger = new RedisLedger(connection, root);
  }

  /** If it rejects because no reply arrived, the job may still run: Redis may have stored it. */
  async push({ rule, payload, dueAtMs }: NewJob): Promise<string> {
    const id = this.#nextId();
    await this.#run(PUSH, id, rule, dueAtMs, toBuffer(payload), Date.now());
    return id;
  }

  async claim(rules: readonly string[], leaseMs: number): Promise<Claim | undefined> {
    if (rules.length === 0) return undefined;
    const lease = randomUUID();
    const lost = this.#lostClaims.list();
    const reply = await this.#run(CLAIM, lease, leaseMs, lost.length, ...lost, ...rules).catch((error: unknown) => {
      this.#lostClaims.add(lease, leaseMs);
      throw error;
    });
    if (reply === null) return undefined;
    return { lease, job: toJob(toList(reply)) };
  }

  async extend({ job, lease }: Claim, leaseMs: number): Promise<boolean> {
    return (await this.#run(EXTEND, job.id, lease, leaseMs)) === 1;
  }

  async done({ job, lease }: Claim): Promise<boolean> {
    return (await this.#run(DONE, job.id, lease)) === 1;
  }

  async again({ job, lease }: Claim, dueAtMs: number, reason?: string): Promise<boolean> {
    const failure = reason === undefined ? [] : [reason];
    return (await this.#run(AGAIN, job.id, lease, dueAtMs, Date.now(), ...failure)) === 1;
  }

  async bury({ job, lease }: Claim, reason: string): Promise<boolean> {
    return (await this.#run(BURY, job.id, lease, reason)) === 1;
  }

  async tick({ rule, schedule, atMs, payload }: Tick): Promise<TickOutcome> {
    const outcome = await this.#run(TICK, rule, schedule, atMs, this.#nextId(), toBuffer(payload));
    return toText(outcome) as TickOutcome; // the script returns no other
  }

  onPush(listener: () => void): () => void {
    return this.#wakeUp.listen(listener);
  }

  #run(script: Script, ...args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.#connection.run(script, this.#root, ...args);
  }
}

/** The same bytes as a Buffer. ioredis would write any other view as text. */
function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** How many of the last lost claims of an outage are remembered. */
const MOST_LOST_CLAIMS = 100;

/**
 * The leases of claims whose replies did not arrive. Redis may have made these claims, or may still
 * make them when it continues. The next claim returns their jobs at once; otherwise they would wait
 * until the leases end.
 */
class LostClaims {
  /**
   * By lease, in the order in which they were lost: the time by which the lease has surely ended.
   */
  readonly #endsAtMs = new Map<string, number>();

  add(lease: string, leaseMs: number): void {
    // Twice the length, because the lease begins only when Redis runs the claim.
    this.#endsAtMs.set(lease, performance.now() + 2 * leaseMs);
    const [first] = this.#endsAtMs.keys();
    if (first !== undefined && this.#endsAtMs.size > MOST_LOST_CLAIMS) this.#endsAtMs.delete(first);
  }

  /** The leases that may still last. */
  list(): readonly string[] {
    if (this.#endsAtMs.size === 0) return [];
    const now = performance.now();
    for (const [lease, endsAtMs] of this.#endsAtMs) if (endsAtMs < now) this.#endsAtMs.delete(lease);
    return [...this.#endsAtMs.keys()];
  }
}
