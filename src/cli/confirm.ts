import { createInterface } from 'node:readline/promises';
import { UserError } from '../contract/user-error.ts';
import { UsageError } from './usage-error.ts';

export interface Confirmation {
  /** What cannot be undone, e.g. `delete all 12 submissions`. */
  readonly what: string;
  /** The flag --yes. */
  readonly yes: boolean | undefined;
}

/**
 * Asks on the terminal before something that cannot be undone. Resolves if it shall be done. Rejects
 * with a UserError after another answer than yes, and without a terminal with a UsageError.
 */
export async function confirm({ what, yes = false }: Confirmation): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new UsageError(`this would ${what}, which cannot be undone: add --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`This will ${what}, which cannot be undone. Continue? [y/N] `);
    if (!/^\s*y(?:es)?\s*$/i.test(answer)) throw new UserError('nothing was deleted');
  } finally {
    terminal.close();
  }
}
