/** An object that can be in one InFlightList at a time. Both members belong to the list. */
export interface Member {
  nextMember: Member | undefined;
  previousMember: Member | undefined;
}

/**
 * The requests in flight. Each is added once and removed once; removing it again changes nothing.
 *
 * Linked through its members instead of a Set: V8 replaces the table of a Set with many additions and deletions again and again, and
 * each old table refers to the next. Once one table is promoted to the old generation, every later one, with its entries, survives until a
 * full collection. Measured: a third of all garbage was promoted, and collections took ten times as long.
 */
export class InFlightList<T extends Member> {
  #first: Member | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  join(member: T): void {
    member.nextMember = this.#first;
    if (this.#first) this.#first.previousMember = member;
    this.#first = member;
    this.#size++;
  }

  leave(member: T): void {
    const { nextMember, previousMember } = member;
    if (!previousMember && this.#first !== member) return;
    if (previousMember) previousMember.nextMember = nextMember;
    else this.#first = nextMember;
    if (nextMember) nextMember.previousMember = previousMember;
    // A member that is still referenced must not keep the others alive.
    member.nextMember = undefined;
    member.previousMember = undefined;
    this.#size--;
  }

  /** Newest first. The current member may leave during the iteration. */
  *[Symbol.iterator](): Generator<T> {
    let member = this.#first;
    while (member) {
      const next: Member | undefined = member.nextMember;
      yield member as T; // only T joins
      member = next;
    }
  }
}
