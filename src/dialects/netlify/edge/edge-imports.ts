import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { messageOf } from '../../../contract/error-message.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { ImportRules } from '../../loader/import-rules.ts';
import { VendoredModules } from '../../loader/vendored-modules.ts';
import { isTable } from '../config/config-values.ts';
import { DENO } from './deno-shim.ts';

/** Modules with types of the platform. */
const TYPES = /^(?:netlify:edge|https:\/\/edge\.netlify\.com\/?.*)$/;

export interface EdgeImports extends ImportRules {
  /** What is wrong with import maps, and what the compiler noted; more may be added later. */
  readonly problems: readonly Problem[];
}

/** The rules for imports of edge functions. `given`: import maps, relative to the site; of two entries for one specifier the later one counts. */
export async function readEdgeImports(root: string, given: readonly (string | undefined)[]): Promise<EdgeImports> {
  const importMaps = given.filter((file) => file !== undefined);
  const problems: Problem[] = [];
  const map = new Map<string, string>();
  for (const file of importMaps) await addMap(map, { root, file, problems });
  const vendored = new VendoredModules(root);
  return {
    map,
    vendored,
    isTypes: (specifier) => TYPES.test(specifier),
    globals: { Deno: DENO, 'globalThis.Deno': DENO, self: 'globalThis' },
    inputs: [...importMaps.map((file) => join(root, file)), vendored.lockFile],
    note: (importer, message) => problems.push({ severity: 'warning', file: relative(root, importer), message }),
    problems,
  };
}

interface Reading {
  readonly root: string;
  readonly file: string;
  readonly problems: Problem[];
}

async function addMap(map: Map<string, string>, { root, file, problems }: Reading): Promise<void> {
  try {
    const content: unknown = JSON.parse(await readFile(join(root, file), 'utf8'));
    const { imports = {}, scopes = {} } = isTable(content) ? content : {};
    const report = (message: string) => problems.push({ severity: 'error', file, message });
    if (!isTable(imports)) report('must have an object as "imports"; it is not used');
    else {
      for (const [specifier, target] of Object.entries(imports)) {
        if (typeof target !== 'string') report(`imports: ${JSON.stringify(specifier)} must be a text`);
        // Relative to the file of the map; a slash at the end of a prefix stays.
        else if (!/^\.{0,2}\//.test(target)) map.set(specifier, target);
        else map.set(specifier, join(root, target.startsWith('/') ? '' : dirname(file), target));
      }
    }
    if (isTable(scopes) && Object.keys(scopes).length > 0) report('"scopes" are not used: only "imports" are');
  } catch (error) {
    problems.push({ severity: 'error', file, message: `cannot be read as an import map: ${messageOf(error)}` });
  }
}
