import type { CacheRule } from '../contract/cache.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { Answers, Place } from './answers.ts';
import type { DurableEntries, DurablePlace } from './durable-entries.ts';
import { KeptAnswer } from './kept-answer.ts';
import type { StorableResponse } from './policy/storable-response.ts';
import { toVariantKey } from './request-key.ts';

export interface DurableCopiesParts {
  readonly entries: DurableEntries;
  readonly answers: Answers;
  /** Of the site, in the memory of this process. */
  readonly version: string;
  readonly rule: CacheRule;
}

/** For this time one process renews an entry, and the others use it as it is. */
const RENEWAL_MS = 2000;

/** Entries of one target that outlive the process: copies them to and from the memory of this process. */
export class DurableCopies {
  readonly #parts: DurableCopiesParts;
  readonly #loads = new Map<string, Promise<void>>();

  constructor(parts: DurableCopiesParts) {
    this.#parts = parts;
  }

  /** False only if there surely is nothing to load. */
  get isUsed(): boolean {
    return this.#parts.entries.isUsed;
  }

  /** Puts the entry for a request into the memory, if there is one. Requests for the same entry share one look-up. Never rejects. */
  load(exchange: Exchange, { primaryKey, variantKey, urlKey }: Place): Promise<void> {
    const key = primaryKey + variantKey;
    let load = this.#loads.get(key);
    if (!load) {
      load = this.#load(exchange, urlKey).finally(() => this.#loads.delete(key));
      this.#loads.set(key, load);
    }
    return load;
  }

  /** Writes an entry after it was put into the memory. `exchange`: that of the call of the target. Never rejects. */
  async store(exchange: Exchange, { entry }: KeptAnswer, { storable, urlKey }: Stored): Promise<void> {
    const { entries, answers, version, rule } = this.#parts;
    const known = answers.find(exchange, version, rule).variation;
    const running = { urlKey, isOutdated: false };
    answers.begin(running);
    await entries.store(this.#toPlace(exchange, urlKey), {
      entry,
      variation: known ?? storable.variation,
      isOfAllVersions: storable.customId !== undefined,
    });
    answers.end(running);
    // The removal may have come before the write.
    if (running.isOutdated) await this.remove(urlKey);
  }

  /**
   * Whether this process is to renew the entry of the place. If another one has, its entry is in the memory now. If another one
   * does, the entry stays as it is.
   */
  async isRenewedHere(exchange: Exchange, place: Place): Promise<boolean> {
    const { entries, answers, version, rule } = this.#parts;
    await this.load(exchange, place);
    const { kept } = answers.find(exchange, version, rule);
    if (kept !== place.kept && kept?.freshness(answers.bans.nowMs()) === 'fresh') return false;
    return entries.lock(this.#toPlace(exchange, place.urlKey), place.variantKey, RENEWAL_MS);
  }

  /** A request has changed what is at a URL. Never rejects. */
  async remove(urlKey: string): Promise<void> {
    const { entries, answers } = this.#parts;
    // Until the entry is removed, a worker may find it and put it into its memory again.
    if (await entries.remove(urlKey)) answers.invalidate(urlKey);
  }

  async #load(exchange: Exchange, urlKey: string): Promise<void> {
    const { entries, answers, version, rule } = this.#parts;
    const running = { urlKey, isOutdated: false };
    answers.begin(running);
    const found = await entries.find(this.#toPlace(exchange, urlKey));
    answers.end(running);
    if (!found || running.isOutdated) return;
    const { entry, variation, isOfAllVersions } = found;
    const before = answers.find(exchange, version, rule).kept;
    // One that may have been purged is replaced by what the store has: it was not.
    const isNewer = before && before.entry.bornAtMs >= entry.bornAtMs;
    if (isNewer && !answers.bans.isInDoubt(before.entry.askedAtMs)) return;
    const storable = { variation, customId: isOfAllVersions ? '' : undefined };
    const kept = KeptAnswer.of({ ...entry, body: toOwnMemory(entry.body) }, rule.fields);
    if (kept) answers.keep(exchange, kept, { version, urlKey, storable, rule });
  }

  #toPlace(exchange: Exchange, urlKey: string): DurablePlace {
    const { rule } = this.#parts;
    return { urlKey, toVariantKey: (variation) => toVariantKey(exchange, variation, rule) };
  }
}

/** What the store gives may be a part of what its connection has received, all of which would stay in memory. */
function toOwnMemory(body: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(body.length);
  body.copy(copy);
  return copy;
}

interface Stored {
  readonly storable: StorableResponse;
  readonly urlKey: string;
}
