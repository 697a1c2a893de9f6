import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dialect, Reading } from '../../contract/dialect.ts';
import { isMissingFile } from '../../contract/error-code.ts';
import { nearestWord } from '../../contract/nearest-word.ts';
import type { Project } from '../../contract/project.ts';
import { toFormReading } from './forms/form-reading.ts';

/**
 * The dialect of Netlify: its functions, including those that frameworks generate, the settings of
 * `netlify.toml`, and the redirects and
 * headers of `_redirects`, `_headers` and `netlify.toml`.
 */
export const netlify: Dialect = {
  name: 'netlify',
  looksFor:
    'netlify/functions/, or the folder that netlify.toml names: .js .mjs .cjs .ts .tsx .mts .cts files, or folders with such a main file; netlify.toml; _redirects, _headers; netlify/edge-functions/',
  read,
  async vendor(project) {
    if (!(await hasOwnFiles(project.root))) return undefined;
    return (await import('./read-netlify.ts')).vendorNetlify(project);
  },
};

/** The folders of a site without `netlify.toml`, which alone can name others, in which the dialect looks for files and for misspelt names. */
const FOLDERS = ['.', 'dist', 'public'];
/** Of these files and folders, without dots, `_` and endings. */
const STEMS = ['netlify', 'redirects', 'headers'];

async function read(project: Project): Promise<Reading> {
  if (!(await hasOwnFiles(project.root))) {
    // Every site may have pages with forms.
    const forms = toFormReading(project, { jobRules: [], subscriptions: [] });
    return { routes: [], ignored: [], problems: [], ...forms };
  }
  // Imported only here: it is a quarter of the code of nexthop, which other sites do not need in memory.
  return (await import('./read-netlify.ts')).readNetlify(project);
}

/** Whether the site has a file or folder whose name is one of this platform, also a misspelt one: those are reported. */
async function hasOwnFiles(root: string): Promise<boolean> {
  const listings = await Promise.all(
    FOLDERS.map((folder) => readdir(join(root, folder)).catch((error: unknown) => (isMissingFile(error) ? [] : STEMS))),
  );
  return listings.flat().some((name) => nearestWord(toStem(name), STEMS) !== undefined);
}

function toStem(name: string): string {
  return name.replace(/^[._]+/, '').replace(/\..*/s, '');
}
