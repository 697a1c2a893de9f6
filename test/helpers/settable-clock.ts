import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

const THREAD = new URL('../../src/stores/sqlite/thread-entry.ts', import.meta.url).href;

/** A wall clock that a test sets, for processes and their state threads. It changes only Date; the monotonic clock continues. */
export interface SettableClock {
  /** A module that installs this clock in the thread or process that imports it. */
  readonly module: string;
  /** The module of a state thread with this clock, for `StateThreadSetup.entry`. */
  readonly threadEntry: URL;
  /** Sets the clock ahead of the real one by `ms`; negative: behind it. */
  set(aheadMs: number): Promise<void>;
}

export async function settableClock(t: ExecutionContext): Promise<SettableClock> {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-clock-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'ahead');
  await writeFile(file, '0');
  const module = toModule(`
    import { readFileSync } from 'node:fs';
    const real = Date.now;
    Date.now = () => real() + Number(readFileSync(${JSON.stringify(file)}, 'latin1') || 0);`);
  return {
    module,
    threadEntry: new URL(toModule(`import ${JSON.stringify(module)}; await import(${JSON.stringify(THREAD)});`)),
    set: (aheadMs) => writeFile(file, String(aheadMs)),
  };
}

function toModule(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
