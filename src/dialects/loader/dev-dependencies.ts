import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import type { Problem } from '../../contract/problem.ts';
import { packageOf } from './import-problem.ts';
import { toUsersFile } from './stand-ins.ts';

/**
 * A warning for each package that code of the site imports and that only `devDependencies` has: it
 * is there on the author's machine, and not after `npm ci --omit=dev` on the server. The compiler
 * has removed imports of types. Never rejects: without a readable `package.json` there is none.
 */
export async function findDevDependencies(root: string, { inputs }: Metafile): Promise<readonly Problem[]> {
  const names = await readDevNames(root);
  if (names.size === 0) return [];
  const found = new Map<string, Promise<Problem>>();
  for (const [input, { imports }] of Object.entries(inputs)) {
    const file = toUsersFile(input);
    if (file === undefined || file.includes('node_modules/')) continue;
    for (const { original = '' } of imports) {
      const name = packageOf(original);
      // One for each package: its first import says all.
      if (name !== undefined && names.has(name) && !found.has(name)) found.set(name, toProblem(root, { file, name }));
    }
  }
  return Promise.all(found.values());
}

/** The packages that are there only for development. */
async function readDevNames(root: string): Promise<ReadonlySet<string>> {
  try {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    const { devDependencies = {}, dependencies, optionalDependencies, peerDependencies } = Object(manifest);
    const others = { ...dependencies, ...optionalDependencies, ...peerDependencies };
    return new Set(Object.keys(devDependencies).filter((name) => !Object.hasOwn(others, name)));
  } catch {
    // The file is missing, or the compiler reports that it is not valid JSON.
    return new Set();
  }
}

interface Import {
  /** Relative to the site. */
  readonly file: string;
  readonly name: string;
}

async function toProblem(root: string, { file, name }: Import): Promise<Problem> {
  const text = await readFile(join(root, file), 'utf8').catch(() => '');
  const line = text.split('\n').findIndex((each) => /\b(?:import|from|require)\b/.test(each) && isNamed(each, name));
  const message = `imports "${name}" of devDependencies, which npm ci --omit=dev does not install: move it to dependencies`;
  return { severity: 'warning', file, ...(line >= 0 && { line: line + 1 }), message };
}

function isNamed(line: string, name: string): boolean {
  return ['"', "'", '`'].some((quote) => line.includes(`${quote}${name}${quote}`) || line.includes(`${quote}${name}/`));
}
