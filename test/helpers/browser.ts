import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { PATIENCE_MS } from './patience.ts';

/** The command of Debian's package. The build server must have it. */
const CHROMIUM = 'chromium';

const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'],
];

/** The DOM of a page after its scripts ran and their fetches completed. */
export async function domOf(t: ExecutionContext, url: string): Promise<string> {
  const profile = await mkdtemp(join(tmpdir(), 'nexthop-chromium-'));
  t.teardown(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }));
  const args = [...FLAGS, `--user-data-dir=${profile}`, '--virtual-time-budget=10000', '--dump-dom', url];
  const { stdout } = await promisify(execFile)(CHROMIUM, args, { timeout: 2 * PATIENCE_MS });
  return stdout;
}

async function hasChromium(): Promise<boolean> {
  try {
    await promisify(execFile)(CHROMIUM, ['--version']);
    return true;
  } catch {
    // Not installed, or it cannot run: there is no browser either way.
    return false;
  }
}

const mayBeSkipped = !process.env.CI && !(await hasChromium());

/** A test that needs a browser: skipped where there is none, except on the build server. */
export function browserTest(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  (mayBeSkipped ? test.skip : test)(`${title}${mayBeSkipped ? ' (no chromium here)' : ''}`, run);
}
