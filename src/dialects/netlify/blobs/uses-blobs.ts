import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

// Not in open-blobs.ts, which is loaded only for sites that use blobs.

export const PACKAGE = '@netlify/blobs';

/** Whether code of a site names blobs: the package, or the context by which a bundled copy of it finds them. */
export function mayUseBlobs(code: string): boolean {
  return code.includes(PACKAGE) || /netlifyBlobsContext|NETLIFY_BLOBS_CONTEXT/.test(code);
}

/** Whether other packages may use the package for the site, as drivers of sessions do. */
export async function dependsOnBlobs(root: string): Promise<boolean> {
  try {
    const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    return Object.hasOwn(dependencies, PACKAGE);
  } catch {
    // There is no package.json, or an invalid one, which the loader reports.
    return false;
  }
}
