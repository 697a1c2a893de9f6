import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { migrate } from '../../../src/stores/sqlite/schema.ts';
import { StoreClock, type TimeSource } from '../../../src/stores/sqlite/store-clock.ts';

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 1);

/** A machine whose clocks a test sets. */
class Machine implements TimeSource {
  wall = START_MS;
  monotonic = 5000.25;
  boot = 'first';

  wallMs = (): number => this.wall;
  monotonicMs = (): number => this.monotonic;
  differenceMs = (): number => this.wall - this.monotonic;
  bootId = (): string => this.boot;

  /** Lets time pass. */
  pass(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }

  restart(boot: string): void {
    this.boot = boot;
    this.monotonic = 10;
  }
}

/** An empty state file. */
function stateFile(t: ExecutionContext): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  t.teardown(() => database.close());
  migrate(database, ':memory:');
  return database;
}

test('the store clock starts with the time of the wall clock', (t) => {
  const clock = StoreClock.open(stateFile(t), new Machine());

  t.is(clock.now(), START_MS);
  t.is(clock.fromWall(START_MS + 60_000), START_MS + 60_000);
  t.is(clock.toWall(START_MS - 7), START_MS - 7);
});

for (const [what, ms] of [
  ['forward by two hours', 2 * HOUR_MS],
  ['back by two hours', -2 * HOUR_MS],
  ['forward by half a second', 500],
] as const) {
  test(`the store clock does not change when the wall clock is set ${what}, and due times stay`, (t) => {
    const machine = new Machine();
    const clock = StoreClock.open(stateFile(t), machine);
    machine.pass(1000);
    const before = clock.now();

    machine.wall += ms;

    t.is(clock.now(), before);
    t.is(clock.fromWall(machine.wall), before);
    t.is(clock.fromWall(machine.wall + 60_000), before + 60_000);
    t.is(clock.toWall(before + 60_000), machine.wall + 60_000);
    machine.pass(60_000);
    t.is(clock.now(), before + 60_000);
  });
}

test('another process of the same boot has the same clock, although the wall clock was set meanwhile', (t) => {
  const machine = new Machine();
  const database = stateFile(t);
  const first = StoreClock.open(database, machine);
  machine.pass(HOUR_MS);
  machine.wall += 2 * HOUR_MS;

  const second = StoreClock.open(database, machine);

  t.is(second.now(), first.now());
  t.is(second.now(), START_MS + HOUR_MS);
});

test('after a boot the store clock continues with the wall clock', (t) => {
  const machine = new Machine();
  const database = stateFile(t);
  StoreClock.open(database, machine);
  machine.pass(8 * HOUR_MS);

  machine.restart('second');

  t.is(StoreClock.open(database, machine).now(), START_MS + 8 * HOUR_MS);
});

for (const boot of ['second', '']) {
  test(`after a boot ${boot ? '' : 'without an id '}the store clock is not earlier than its last value, although the wall clock is`, (t) => {
    const machine = new Machine();
    machine.boot = boot && 'first';
    const database = stateFile(t);
    const before = StoreClock.open(database, machine);
    machine.pass(8 * HOUR_MS);
    before.remember();

    machine.restart(boot);
    machine.wall = 0;
    const after = StoreClock.open(database, machine);

    t.is(after.now(), START_MS + 8 * HOUR_MS);
    machine.pass(1000);
    t.is(after.now(), START_MS + 8 * HOUR_MS + 1000);
    t.is(after.fromWall(machine.wall + 60_000), after.now() + 60_000);
  });
}

test('the store clock stands still while the machine is suspended', (t) => {
  const machine = new Machine();
  const clock = StoreClock.open(stateFile(t), machine);

  machine.wall += 8 * HOUR_MS;

  t.is(clock.now(), START_MS);
});

test('if the file is not writable, the clock works for this process only', (t) => {
  const database = stateFile(t);
  database.exec('PRAGMA query_only = 1');
  const machine = new Machine();

  const clock = StoreClock.open(database, machine);

  t.is(clock.now(), START_MS);
  t.is(database.prepare('SELECT count(*) AS rows FROM clock').get()?.rows, 0);
});

test("the machine's clock differs from Date by some milliseconds at most, and advances", (t) => {
  const clock = StoreClock.open(stateFile(t));

  const [before, now, after] = [Date.now(), clock.now(), Date.now()];

  t.true(now >= before - 1000 && now <= after + 10, `${now} between ${before} and ${after}`);
  const times = Array.from({ length: 1000 }, () => clock.now());
  t.deepEqual(
    times,
    times.toSorted((one, other) => one - other),
  );
});
