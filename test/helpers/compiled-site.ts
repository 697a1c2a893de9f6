import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Compiled, compile, type Exports } from '../../src/dialects/loader/compile.ts';
import { project } from './project.ts';

export interface CompiledSite extends Compiled {
  readonly root: string;
  /** Loads an entry by its path in the site. */
  run(file: string): Promise<Exports>;
}

/** Writes the files (path → text) and compiles the entries, which are paths in the site. */
export async function compileSite(
  t: ExecutionContext,
  files: Readonly<Record<string, string>>,
  entries: readonly string[],
): Promise<CompiledSite> {
  const opened = await project(t, files);
  const compiled = await compile(opened, { files: entries.map((file) => join(opened.root, file)) });
  return {
    ...compiled,
    root: opened.root,
    async run(file) {
      const loaded = await compiled.load(join(opened.root, file));
      if (loaded.state !== 'ready') throw new Error(`${file} is not loaded: ${loaded.state}`);
      return loaded.exports;
    },
  };
}
