import type { Exchange } from '../contract/exchange.ts';
import { RequestRecord } from './request-record.ts';

/** Requests that are kept. */
const MOST_REQUESTS = 200;

/** The last requests, and those in flight. */
export class RequestHistory {
  /** By number, oldest first. */
  readonly #records = new Map<number, RequestRecord>();
  /** Of two requests with the same id, which clients may send, the later one. */
  readonly #byId = new Map<string, RequestRecord>();
  readonly #byExchange = new WeakMap<Exchange, RequestRecord>();
  #last = 0;
  /** Grows with each change of a record. */
  version = 0;

  /** Oldest first. */
  get all(): readonly RequestRecord[] {
    return [...this.#records.values()];
  }

  begin(exchange: Exchange): RequestRecord {
    const record = new RequestRecord(++this.#last, exchange);
    this.#records.set(record.number, record);
    this.#byId.set(record.id, record);
    this.#byExchange.set(exchange, record);
    for (const oldest of this.#records.values()) {
      if (this.#records.size <= MOST_REQUESTS) break;
      this.#records.delete(oldest.number);
      if (this.#byId.get(oldest.id) === oldest) this.#byId.delete(oldest.id);
    }
    this.touch(record);
    return record;
  }

  /** Makes the change of a record known to the page. */
  touch(record: RequestRecord): void {
    record.version = ++this.version;
  }

  find(number: number): RequestRecord | undefined {
    return this.#records.get(number);
  }

  of(exchange: Exchange): RequestRecord | undefined {
    return this.#byExchange.get(exchange);
  }

  withId(requestId: string): RequestRecord | undefined {
    return this.#byId.get(requestId);
  }

  /** Returns the record with all that is known. A request that was refused has its first one here. */
  finish(exchange: Exchange): RequestRecord {
    const record = this.of(exchange) ?? this.begin(exchange);
    record.finish(exchange);
    this.touch(record);
    return record;
  }

  clear(): void {
    this.#records.clear();
    this.#byId.clear();
    this.version++;
  }
}
