import { randomUUID } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { Claim, NewJob, Queue, Tick, TickOutcome } from '../../contract/store.ts';
import type { Connection } from './connection.ts';
import { RedisLedger } from './ledger.ts';
import { AGAIN, BURY, CLAIM, DONE, EXTEND, PUSH, TICK } from './queue-scripts.ts';
import { toJob, toList, toText } from './reply.ts';
import type { Script } from './script.ts';
import type { WakeUp } from './wake-up.ts';

/** The jobs of all processes that have the same prefix. Redis's clock decides what is due and which lease has ended. */
export class RedisQueue implements Queue {
  readonly ledger: RedisLedger;
  readonly #connection: Connection;
  /** The key that all keys of the queue begin with. */
  readonly #root: string;
  readonly #bell: WakeUp;
  readonly #nextId = monotonicFactory();
  readonly #lostClaims = new LostClaims();

  constructor(connection: Connection, root: string, bell: WakeUp) {
    this.#connection = connection;
    this.#root = root;
    this.#bell = bell;
    this.ledger = new RedisLedger(connection, root);
  }

  /** Rejected for want of an answer, the job may run all the same: Redis may have taken it. */
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
    return toText(outcome) as TickOutcome; // the script knows no other
  }

  onPush(listener: () => void): () => void {
    return this.#bell.listen(listener);
  }

  #run(script: Script, ...args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.#connection.run(script, this.#root, ...args);
  }
}

/** The same bytes; ioredis would write any other view as text. */
function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Of an outage in which many claims were tried, so many of the last ones. */
const MOST = 100;

/**
 * The leases of claims of which nobody heard what came: Redis may have made them, or may yet when it goes on. Whoever claims next can have their jobs at once,
 * who would else wait until the leases end.
 */
class LostClaims {
  /** By when it has ended for sure, in the order they were lost. */
  readonly #endsAtMs = new Map<string, number>();

  add(lease: string, leaseMs: number): void {
    // By the time that it is made, it has not begun.
    this.#endsAtMs.set(lease, performance.now() + 2 * leaseMs);
    const [first] = this.#endsAtMs.keys();
    if (first !== undefined && this.#endsAtMs.size > MOST) this.#endsAtMs.delete(first);
  }

  /** Those that may last. */
  list(): readonly string[] {
    if (this.#endsAtMs.size === 0) return [];
    const now = performance.now();
    for (const [lease, endsAtMs] of this.#endsAtMs) if (endsAtMs < now) this.#endsAtMs.delete(lease);
    return [...this.#endsAtMs.keys()];
  }
}
