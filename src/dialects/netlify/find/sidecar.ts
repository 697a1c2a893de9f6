import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isMissingFile } from '../../../contract/error-code.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { ConfigValues } from '../config/config-values.ts';
import { isTable } from '../config/config-values.ts';

export interface Sidecar {
  readonly values: ConfigValues;
  readonly problems: readonly Problem[];
}

const EMPTY: Sidecar = { values: new Map(), problems: [] };

/** The settings of a sidecar that are used; the others concern only the platform's builder. */
const KEYS = [
  ...['name', 'schedule', 'background', 'timeout', 'memory', 'vcpu', 'region', 'nodeVersion', 'externalNodeModules'],
  'rateLimit',
];

/**
 * Reads `<name>.json`, which frameworks put next to the main file of a function. `mainFile` is
 * relative to the site. Never rejects.
 */
export async function readSidecar(root: string, mainFile: string, name: string): Promise<Sidecar> {
  const file = join(dirname(mainFile), `${sidecarName(mainFile, name)}.json`);
  try {
    const content: unknown = JSON.parse(await readFile(join(root, file), 'utf8'));
    if (!isTable(content) || content.version !== 1) return toWarning(file, 'must have "version": 1; it is not used');
    const { config = {} } = content;
    if (!isTable(config)) return toWarning(file, 'must have an object as "config"; it is not used');
    const values = KEYS.flatMap((key) => (config[key] == null ? [] : [[key, { value: config[key], file }] as const]));
    return { values: new Map(values), problems: [] };
  } catch (error) {
    if (isMissingFile(error)) return EMPTY;
    return toWarning(file, `cannot be read: ${error instanceof Error ? error.message : error}; it is not used`);
  }
}

/**
 * In a folder the sidecar has the whole name of the folder, even if the function's name is shorter.
 */
function sidecarName(mainFile: string, name: string): string {
  const folder = basename(dirname(mainFile));
  return folder.startsWith(`${name}.`) ? folder : name;
}

function toWarning(file: string, message: string): Sidecar {
  return { ...EMPTY, problems: [{ severity: 'warning', file, message }] };
}
