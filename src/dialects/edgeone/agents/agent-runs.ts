import { randomUUID } from 'node:crypto';
import type { Log } from '../../../contract/log.ts';
import type { Kv } from '../../../contract/store.ts';

/** One run of an agent. */
export interface AgentRun {
  readonly id: string;
  readonly conversation: string;
  /** Fires the signal of the run. */
  stop(): void;
}

/** The result of `abortActiveRun`. */
export interface StopResult {
  readonly aborted: boolean;
  readonly conversation_id?: string;
  readonly run_id?: string;
  readonly run_ids?: readonly string[];
}

/** What the other processes on the store run, at one moment. */
export type OtherRuns = readonly { readonly process: string; readonly id: string; readonly conversation: string }[];

/** Between two looks for orders of other processes, while runs are active. */
const LOOK_MS = 50;
/** An entry in the store ends by itself, so that those of a killed process do. */
const ENTRY_MS = 30_000;
const RENEW_MS = 10_000;
const MOST_RUNS = 1000;

/**
 * The runs of agents with a conversation. Each has an entry in the store, so that any process can
 * stop it: the order is an entry, too, for which the process of the run looks while it has runs.
 */
export class AgentRuns {
  readonly #kv: Kv | undefined;
  readonly #log: Log;
  readonly #process = randomUUID();
  readonly #runs = new Map<string, AgentRun>();
  #timer: NodeJS.Timeout | undefined;
  #renewedAtMs = 0;

  constructor(kv: Kv | undefined, log: Log) {
    this.#kv = kv;
    this.#log = log;
  }

  /** Registers a run. Returns how to end it. */
  begin(run: AgentRun): () => void {
    this.#runs.set(run.id, run);
    this.#write(this.#kv?.put(this.#keyOf(run), EMPTY, ENTRY_MS));
    if (this.#kv) this.#timer ??= setTimeout(this.#look, LOOK_MS);
    return () => {
      if (!this.#runs.delete(run.id)) return;
      this.#write(this.#kv?.delete(this.#keyOf(run)));
    };
  }

  /** The runs of other processes. Never rejects: without the store there are none. */
  async findOthers(): Promise<OtherRuns> {
    try {
      const keys = (await this.#kv?.list('run/', MOST_RUNS)) ?? [];
      return keys.flatMap((key) => {
        const [, process = '', id = '', conversation = ''] = key.split('/');
        return process === this.#process ? [] : [{ process, id, conversation: decodeURIComponent(conversation) }];
      });
    } catch (error) {
      this.#report(error);
      return [];
    }
  }

  /** Stops all runs of a conversation but `caller`, here at once, and in other processes by an order. */
  stop(conversation: string, caller: string, others: OtherRuns): StopResult {
    const here = [...this.#runs.values()].filter((run) => run.conversation === conversation && run.id !== caller);
    const elsewhere = conversation === '' ? [] : others.filter((run) => run.conversation === conversation);
    for (const run of here) run.stop();
    for (const { process, id } of elsewhere) this.#write(this.#kv?.put(`stop/${process}/${id}`, EMPTY, ENTRY_MS));
    const ids = [...here, ...elsewhere].map(({ id }) => id);
    const [first] = ids;
    if (first === undefined) return { aborted: false };
    return { aborted: true, conversation_id: conversation, run_id: first, run_ids: ids };
  }

  readonly #look = async (): Promise<void> => {
    // The store may be closed after the last run.
    if (this.#runs.size === 0) {
      this.#timer = undefined;
      return;
    }
    try {
      for (const key of (await this.#kv?.list(`stop/${this.#process}/`, MOST_RUNS)) ?? []) {
        this.#runs.get(key.split('/')[2] ?? '')?.stop();
        await this.#kv?.delete(key);
      }
      if (performance.now() - this.#renewedAtMs > RENEW_MS) await this.#renew();
    } catch (error) {
      this.#report(error);
    }
    this.#timer = setTimeout(this.#look, LOOK_MS);
  };

  async #renew(): Promise<void> {
    this.#renewedAtMs = performance.now();
    await Promise.all([...this.#runs.values()].map((run) => this.#kv?.put(this.#keyOf(run), EMPTY, ENTRY_MS)));
  }

  #keyOf({ id, conversation }: AgentRun): string {
    return `run/${this.#process}/${id}/${encodeURIComponent(conversation)}`;
  }

  #write(written: Promise<unknown> | undefined): void {
    written?.catch((error: unknown) => this.#report(error));
  }

  #report(error: unknown): void {
    this.#log.warn(
      'runs of agents cannot be shared with other processes, because the store is away; a conversation is stopped only in the process that gets the request',
      { error },
    );
  }
}

const EMPTY = new Uint8Array();
