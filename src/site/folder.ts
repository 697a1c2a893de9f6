import { access, constants, stat } from 'node:fs/promises';
import { SiteError } from '../contract/project.ts';

/** Throws a SiteError unless `root` is a folder that this process may list. */
export async function requireFolder(root: string): Promise<void> {
  try {
    const found = await stat(root);
    if (!found.isDirectory()) throw new SiteError(`the site ${root} is a file; give the folder that contains it`);
    await access(root, constants.R_OK | constants.X_OK);
  } catch (error) {
    throw error instanceof SiteError ? error : new SiteError(complaint(root, error), { cause: error });
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; give the path of a folder',
  ENOTDIR: 'leads through a file; give the path of a folder',
  EACCES: 'may not be read by this user; allow it to read and enter the folder (chmod u+rx)',
};

function complaint(root: string, error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException; // all that node:fs rejects with
  return `the site ${root} ${REMEDIES[code] ?? `cannot be read (${message}); give the path of a folder`}`;
}
