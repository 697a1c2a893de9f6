import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readMemoryBytes } from './container.ts';

export interface YoungGenerationParts {
  readonly config: {
    readonly ASTRO_ENTRY: string;
    readonly functionEnv: NodeJS.ProcessEnv;
    readonly site: string;
  };
  /** Processes that share the memory of the container. */
  readonly processes: number;
}

/** The size that the start script sets: less memory than V8's default, and no more CPU for requests that make little garbage (docs/decisions/wire.md). */
const SMALL = '--max-semi-space-size=8';
/** For a site that renders pages: each makes 100 KB of garbage and more. */
const LARGE = '--max-semi-space-size=32';
/** A process with less memory keeps the small one: the large one takes 40 MB more. */
const LEAST_BYTES = 512 * 2 ** 20;

const SIZE = /--max[-_]semi[-_]space[-_]size/;

/**
 * Node's options for a process that serves the site: `given`, and the size of V8's young generation. A size that a person set in NODE_OPTIONS or in
 * `given` stays, except for SMALL in `given`, which may be that of the start script. Each call looks whether the site has a build that renders pages.
 */
export function withYoungGeneration(
  given: readonly string[],
  { config: { ASTRO_ENTRY, functionEnv, site }, processes }: YoungGenerationParts,
): readonly string[] {
  const others = given.filter((option) => option !== SMALL);
  if ([functionEnv.NODE_OPTIONS ?? '', ...others].some((option) => SIZE.test(option))) return others;
  const isLarge = existsSync(resolve(site, ASTRO_ENTRY)) && readMemoryBytes() / processes >= LEAST_BYTES;
  return [isLarge ? LARGE : SMALL, ...others];
}

/**
 * Runs Node again in this process if the start script has set another size of the young generation than the site is to have: V8 takes it at its start
 * only. Does not return then; it costs 40 ms.
 */
export function restartForYoungGeneration(config: YoungGenerationParts['config']): void {
  const { argv, connected, execArgv, execPath } = process;
  const wanted = withYoungGeneration(execArgv, { config, processes: 1 });
  // The other end of a channel would wait for messages in vain.
  if (!execArgv.includes(SMALL) || wanted.includes(SMALL) || connected) return;
  process.execve?.(execPath, [execPath, ...wanted, ...argv.slice(1)]);
}
