import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What is known of folders already: the type of the modules in them. */
export type ModuleTypes = Map<string, string>;

/** Whether Node takes a file of a package for an ES module: by its extension, else by the nearest package.json. */
export function isEsModule(file: string, types: ModuleTypes): boolean {
  return file.endsWith('.mjs') || (file.endsWith('.js') && typeOf(dirname(file), types) === 'module');
}

function typeOf(folder: string, types: ModuleTypes): string {
  const known = types.get(folder);
  if (known !== undefined) return known;
  const parent = dirname(folder);
  const type = readType(folder) ?? (parent === folder ? 'commonjs' : typeOf(parent, types));
  types.set(folder, type);
  return type;
}

function readType(folder: string): string | undefined {
  try {
    const description: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const isObject = typeof description === 'object' && description !== null;
    return isObject && 'type' in description ? String(description.type) : 'commonjs';
  } catch {
    // No package.json here, or one that Node would refuse as well: the folder above decides.
    return undefined;
  }
}
