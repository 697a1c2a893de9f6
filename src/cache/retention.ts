import type { KeptAnswer } from './kept-answer.ts';

/** The part of the room for entries that were stored and not used since. */
const NEW_PART = 0.1;

/** An entry in memory. */
export interface Variant {
  readonly primaryKey: string;
  readonly variantKey: string;
  readonly kept: KeptAnswer;
  /** Of the entry with its keys. */
  readonly bytes: number;
}

export interface RetentionLimits {
  /** Of all entries together. */
  readonly totalBytes: number;
  readonly mostEntries: number;
  readonly onEvict: (variant: Variant) => void;
}

interface Link extends Variant {
  isProven: boolean;
  previous: Link | undefined;
  next: Link | undefined;
}

/**
 * Decides which entries make room. An entry that was never used again leaves first: entries of random URLs only replace each other, however many there are, and those that
 * clients ask for again stay. Of these, the one leaves that was not used for the longest time, roughly: each use keeps it for one round of all others, three at most.
 * The algorithm is S3-FIFO (https://dl.acm.org/doi/10.1145/3600006.3613147); a use costs one assignment.
 */
export class Retention {
  readonly #limits: RetentionLimits;
  /** Not used since they were stored, or not yet looked at. */
  readonly #new = new Queue();
  /** Used again. */
  readonly #proven = new Queue();
  readonly #evicted: RecentKeys;

  constructor(limits: RetentionLimits) {
    this.#limits = limits;
    this.#evicted = new RecentKeys(limits.mostEntries);
  }

  get bytes(): number {
    return this.#new.bytes + this.#proven.bytes;
  }

  get size(): number {
    return this.#new.size + this.#proven.size;
  }

  /** Adds an entry in place of `before`, after others have made room. The limits have room for it alone. Returns what `remove` takes. */
  add(variant: Variant, before: Variant | undefined): Variant {
    if (before) this.remove(before);
    const isProven = before ? (before as Link).isProven : this.#evicted.delete(variant);
    if (before) variant.kept.uses = before.kept.uses;
    this.#makeRoom(variant.bytes);
    const link: Link = { ...variant, isProven, previous: undefined, next: undefined };
    this.#queueOf(link).add(link);
    return link;
  }

  /** `variant`: as `add` has returned it. */
  remove(variant: Variant): void {
    const link = variant as Link;
    this.#queueOf(link).remove(link);
  }

  #queueOf({ isProven }: Link): Queue {
    return isProven ? this.#proven : this.#new;
  }

  #makeRoom(bytes: number): void {
    const { totalBytes, mostEntries } = this.#limits;
    while (this.bytes + bytes > totalBytes || this.size >= mostEntries) {
      const isNewFull = this.#new.bytes > totalBytes * NEW_PART || this.#new.size > mostEntries * NEW_PART;
      const link = isNewFull || this.#proven.size === 0 ? this.#new.shift() : this.#proven.shift();
      if (!link) return;
      if (link.kept.uses === 0) this.#evict(link);
      else {
        link.kept.uses = link.isProven ? link.kept.uses - 1 : 0;
        link.isProven = true;
        this.#proven.add(link);
      }
    }
  }

  #evict(link: Link): void {
    if (!link.isProven) this.#evicted.add(link);
    this.#limits.onEvict(link);
  }
}

/** A list of links, the oldest first. */
class Queue {
  bytes = 0;
  size = 0;
  #first: Link | undefined;
  #last: Link | undefined;

  add(link: Link): void {
    link.previous = this.#last;
    link.next = undefined;
    if (this.#last) this.#last.next = link;
    else this.#first = link;
    this.#last = link;
    this.bytes += link.bytes;
    this.size++;
  }

  /** Removes the oldest one. */
  shift(): Link | undefined {
    const first = this.#first;
    if (first) this.remove(first);
    return first;
  }

  remove(link: Link): void {
    const { previous, next } = link;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    this.bytes -= link.bytes;
    this.size--;
  }
}

/** Keys of entries that made room a short time ago, as numbers of 32 bits: two keys with one number cost nothing but a place. */
class RecentKeys {
  readonly #most: number;
  #newer = new Set<number>();
  #older = new Set<number>();

  constructor(most: number) {
    this.#most = most;
  }

  add(variant: Variant): void {
    this.#newer.add(toHash(variant));
    if (this.#newer.size < this.#most) return;
    this.#older = this.#newer;
    this.#newer = new Set();
  }

  /** Whether it was there. */
  delete(variant: Variant): boolean {
    if (this.#newer.size + this.#older.size === 0) return false;
    const hash = toHash(variant);
    return this.#newer.delete(hash) || this.#older.delete(hash);
  }
}

/** FNV-1a. */
function toHash({ primaryKey, variantKey }: Variant): number {
  let hash = 0x811c9dc5;
  for (const text of [primaryKey, variantKey])
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
