import { Worker } from 'node:worker_threads';
import type { BuildFailure, Plugin } from 'esbuild';
import { withEsbuild } from './esbuild-service.ts';

/** What the thread evaluates. */
export interface ConfigCode {
  /** The body of a CommonJS module. */
  readonly text: string;
  /** The file that it was made of. */
  readonly path: string;
}

/** 'no-data': the value at `path` cannot be written as JSON. */
export type ConfigAnswer =
  | { readonly state: 'done'; readonly json: string }
  | { readonly state: 'no-data'; readonly path: string; readonly kind: string }
  | { readonly state: 'failed'; readonly message: string; readonly line?: number; readonly column?: number };

export interface ConfigModule {
  /** Absolute. */
  readonly path: string;
  /** Text of modules that stand in for packages, by name. */
  readonly standIns: Readonly<Record<string, string>>;
  readonly limitMs: number;
}

/**
 * Evaluates a module of settings, once and in a thread of its own, so that it neither holds up nor
 * ends this process. Never rejects.
 */
export async function evaluateConfig({ path, standIns, limitMs }: ConfigModule): Promise<ConfigAnswer> {
  let text: string;
  try {
    const { outputFiles } = await withEsbuild(({ build }) =>
      build({
        ...{ entryPoints: [path], bundle: true, write: false, logLevel: 'silent', outfile: '/config.js' },
        ...{ format: 'cjs', platform: 'node', target: 'node24', packages: 'external' },
        plugins: [standInFor(standIns)],
      }),
    );
    text = outputFiles[0]?.text ?? '';
  } catch (error) {
    return toFailure(error);
  }
  return runThread({ text, path }, limitMs);
}

function standInFor(texts: Readonly<Record<string, string>>): Plugin {
  return {
    name: 'stand-ins',
    setup(build) {
      build.onResolve({ filter: /./ }, ({ path }) =>
        Object.hasOwn(texts, path) ? { path, namespace: 'stand-in' } : undefined,
      );
      build.onLoad({ filter: /./, namespace: 'stand-in' }, ({ path }) => ({ contents: texts[path] ?? '' }));
    },
  };
}

function toFailure(error: unknown): ConfigAnswer {
  const [first] = (error as Partial<BuildFailure>).errors ?? [];
  if (!first) return { state: 'failed', message: error instanceof Error ? error.message : String(error) };
  const { location } = first;
  // esbuild counts columns from 0.
  return {
    state: 'failed',
    message: first.text,
    ...(location && { line: location.line, column: location.column + 1 }),
  };
}

async function runThread(code: ConfigCode, limitMs: number): Promise<ConfigAnswer> {
  const thread = new Worker(new URL(`config-thread${import.meta.url.slice(-3)}`, import.meta.url), {
    name: 'nexthop config',
    workerData: code,
    execArgv: ['--no-warnings'],
    // What it prints is no line of nexthop.
    stdout: true,
    stderr: true,
  });
  thread.stdout.resume();
  thread.stderr.resume();
  const late = setTimeout(() => void thread.terminate(), limitMs);
  try {
    return await new Promise<ConfigAnswer>((resolve) => {
      thread.once('message', (answer: ConfigAnswer) => resolve(answer)); // `config-thread.ts` sends one
      thread.once('error', (error: unknown) => resolve(toFailure(error)));
      thread.once('exit', () => resolve({ state: 'failed', message: `it gave no value within ${limitMs / 1000} s` }));
    });
  } finally {
    clearTimeout(late);
    await thread.terminate();
  }
}
