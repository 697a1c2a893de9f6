import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { killGroup } from './kill-process.ts';

/** Far more than an installation takes on a loaded machine. */
const ATTEMPT_MS = 120_000;
const ATTEMPTS = 3;

/** Time limit for a test that installs packages. */
export const INSTALL_TIMEOUT_MS = (ATTEMPTS + 1) * ATTEMPT_MS;

/**
 * Runs npm with `install` or `ci` in a folder, and rejects with its output if it fails. npm repeats a request
 * that failed after up to a minute, for each package; an attempt that takes too long is killed and repeated as a whole.
 */
export async function npmInstall(
  cwd: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  for (let attempt = 1; ; attempt++) {
    const child = spawn('npm', [...args, ...flags], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      killGroup(child, 'SIGKILL');
    }, ATTEMPT_MS);
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    clearTimeout(limit);
    if (code === 0) return;
    if (!isLate || attempt === ATTEMPTS)
      throw new Error(`npm ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  }
}
