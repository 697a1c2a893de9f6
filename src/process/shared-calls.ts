/** Members of `shared` before those of the calls. */
const HEADER = 2;
/** How many slots were ever used. */
const USED = 0;
/** 1 while the other thread waits for the next call. */
const ASLEEP = 1;
/** Calls beyond this number are not shared. */
const MOST_CALLS = 4096;
/** Routes beyond this number are not shared. */
const ROUTE_BITS = 12;
const MOST_ROUTES = 2 ** ROUTE_BITS - 1;
const CALL_MASK = 2 ** (31 - ROUTE_BITS) - 1;

/** What a SiteCall has of its route. */
interface CalledRoute {
  readonly calledCode: string;
  /** Absent or '' for code that no route calls. */
  readonly route?: string;
  readonly isLoad?: true;
}

/** A route as one text: the file that is called, and the pattern. Without a pattern: the load of that file. */
export function toRouteKey({ calledCode, route = '' }: CalledRoute): string {
  return `${calledCode}\n${route}`;
}

/** The file that a key says is loaded; undefined if it is that of a route. */
export function toLoadedFile(key: string): string | undefined {
  return key.endsWith('\n') ? key.slice(0, -1) : undefined;
}

/** Gets each call. */
export interface CallListener {
  begun(key: string): void;
  ended(key: string): void;
}

/**
 * The routes of the calls in progress, in memory that another thread reads, also while this one is
 * stuck. A call costs two writes: its slot holds its number and that of its route, and 0 afterwards.
 */
export class SharedCalls {
  #shared: Int32Array<SharedArrayBuffer> | undefined;
  #named: (number: number, key: string) => void = () => {};
  #listener: CallListener | undefined;
  #calls = 0;
  /** By file, then by pattern. */
  readonly #numbers = new Map<string, Map<string, number>>();
  readonly #keys: string[] = [''];

  /**
   * Starts to share calls. Returns the memory, for a SharedCallsReader. `named` is called when a
   * route has its number, before its first call begins.
   */
  share(named: (number: number, key: string) => void = () => {}): Int32Array<SharedArrayBuffer> {
    this.#named = named;
    this.#shared ??= new Int32Array(new SharedArrayBuffer(4 * (HEADER + MOST_CALLS)));
    return this.#shared;
  }

  /** Passes on each call from now on; undefined: none. */
  listen(listener: CallListener | undefined): void {
    this.share(this.#named);
    this.#listener = listener;
  }

  /** False if the call is not shared: it has no route, or there are too many. */
  begin(slot: number, call: CalledRoute): boolean {
    const shared = this.#shared;
    if (!shared || !(call.route || call.isLoad) || slot >= MOST_CALLS) return false;
    const number = this.#numberOf(call.calledCode, call.route ?? '');
    this.#calls = (this.#calls + 1) & CALL_MASK;
    if (slot >= (shared[USED] ?? 0)) shared[USED] = slot + 1;
    shared[HEADER + slot] = (this.#calls << ROUTE_BITS) | number;
    if (shared[ASLEEP] === 1) this.#wake(shared);
    this.#listener?.begun(this.#keys[number] ?? '');
    return true;
  }

  end(slot: number): void {
    const shared = this.#shared;
    if (!shared || slot >= MOST_CALLS) return;
    this.#listener?.ended(this.#keys[toNumber(shared[HEADER + slot] ?? 0)] ?? '');
    shared[HEADER + slot] = 0;
  }

  #wake(shared: Int32Array<SharedArrayBuffer>): void {
    shared[ASLEEP] = 0;
    Atomics.notify(shared, ASLEEP);
  }

  #numberOf(calledCode: string, route: string): number {
    return this.#numbers.get(calledCode)?.get(route) ?? this.#number(calledCode, route);
  }

  #number(calledCode: string, route: string): number {
    const key = toRouteKey({ calledCode, route });
    const number = this.#keys.length > MOST_ROUTES ? 0 : this.#keys.push(key) - 1;
    const routes = this.#numbers.get(calledCode) ?? new Map<string, number>();
    this.#numbers.set(calledCode, routes.set(route, number));
    if (number > 0) this.#named(number, key);
    return number;
  }
}

/** Reads in another thread which calls last. */
export class SharedCallsReader {
  readonly #shared: Int32Array<SharedArrayBuffer>;
  readonly #report: (keys: readonly string[]) => void;
  readonly #keys = new Map<number, string>();
  /** What each slot had at the last check. */
  readonly #before = new Int32Array(MOST_CALLS);
  #lasting = '';
  #lastCallAtMs = 0;

  /** `report` gets the routes with a call that lasted from one check to the next, when they changed. */
  constructor(shared: Int32Array<SharedArrayBuffer>, report: (keys: readonly string[]) => void) {
    this.#shared = shared;
    this.#report = report;
  }

  name(number: number, key: string): void {
    this.#keys.set(number, key);
  }

  /** Called fifty times a second under load, so it allocates nothing while no call lasts. */
  check(): void {
    const [shared, before] = [this.#shared, this.#before];
    const used = shared[USED] ?? 0;
    let isCalled = false;
    let lasting: Set<number> | undefined;
    for (let slot = 0; slot < used; slot++) {
      const call = shared[HEADER + slot] as number; // `used` is at most MOST_CALLS
      if (call !== 0) {
        isCalled = true;
        if (call === before[slot]) lasting = (lasting ?? new Set()).add(toNumber(call));
      }
      before[slot] = call;
    }
    if (isCalled) this.#lastCallAtMs = performance.now();
    const numbers = lasting ? [...lasting].sort() : NO_NUMBERS;
    const text = numbers.join();
    if (text === this.#lasting) return;
    this.#lasting = text;
    this.#report(numbers.flatMap((number) => this.#keys.get(number) ?? []));
  }

  /** Undefined if there was a call within `idleMs`; else resolves when the next call begins. */
  waitForCall(idleMs: number): Promise<unknown> | undefined {
    if (performance.now() - this.#lastCallAtMs < idleMs) return undefined;
    Atomics.store(this.#shared, ASLEEP, 1);
    const wait = Atomics.waitAsync(this.#shared, ASLEEP, 1);
    return wait.async ? wait.value : Promise.resolve();
  }
}

const NO_NUMBERS: readonly number[] = [];

function toNumber(call: number): number {
  return call & MOST_ROUTES;
}
