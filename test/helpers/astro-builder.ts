import { type ChildProcess, fork } from 'node:child_process';
import type { SharedWorker } from 'ava/plugin';
import type { BuildOrder, BuildResult } from './astro-build-process.ts';

/** What a test file sends. */
export interface BuildRequest extends BuildOrder {
  /** Absolute path of the folder with `node_modules` of the Astro that builds. */
  readonly packages: string;
}

/** Runs in the main process of ava, for all test files of a run: one process for each version of Astro builds all sites. */
export default async function serveBuilds({ negotiateProtocol }: SharedWorker.FactoryOptions): Promise<void> {
  const builders = new Map<string, Builder>();
  for await (const message of negotiateProtocol<BuildRequest | BuildResult>(['ava-4']).ready().subscribe()) {
    const { packages, ...order } = message.data as BuildRequest; // test files send nothing else
    const builder = builders.get(packages) ?? new Builder(packages);
    builders.set(packages, builder);
    keepFew(builders, builder);
    void builder.build(order).then((result) => message.reply(result));
  }
}

/** Processes that are kept for further builds. Each of them holds up to 600 MB. */
const MOST_KEPT = 3;

/** Ends processes without builds, the oldest first, until `next` can have one. */
function keepFew(builders: Map<string, Builder>, next: Builder): void {
  const others = [...builders.values()].filter((builder) => builder !== next && builder.hasProcess);
  for (const builder of others.filter(({ isIdle }) => isIdle).slice(0, Math.max(0, others.length - MOST_KEPT + 1))) {
    builder.end();
  }
}

class Builder {
  readonly #packages: string;
  #child: ChildProcess | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(packages: string) {
    this.#packages = packages;
  }

  get hasProcess(): boolean {
    return this.#child !== undefined;
  }

  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  /** Builds after those that were requested before. Never rejects. */
  build(order: BuildOrder): Promise<BuildResult> {
    this.#waiting++;
    const result = this.#last.then(() => this.#build(order));
    this.#last = result;
    return result;
  }

  async #build(order: BuildOrder): Promise<BuildResult> {
    clearTimeout(this.#idleTimer);
    this.#child ??= start(this.#packages);
    const result = await runBuild(this.#child, order);
    this.#waiting--;
    // A build that failed may have left something in the process, unless its configuration was refused.
    if (result.error === undefined || / in astro\.config: /.test(result.error))
      this.#idleTimer = setTimeout(() => this.end(), IDLE_MS);
    else this.end();
    return result;
  }

  end(): void {
    clearTimeout(this.#idleTimer);
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

/** A process without builds is ended after this time. A new one costs two seconds of a processor until it builds as fast. */
const IDLE_MS = 60_000;

function start(packages: string): ChildProcess {
  return fork(new URL('astro-build-process.ts', import.meta.url), {
    cwd: packages,
    env: { PATH: process.env.PATH, ASTRO_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

function runBuild(child: ChildProcess, order: BuildOrder): Promise<BuildResult> {
  return new Promise((resolve) => {
    let stderr = '';
    const onStderr = (chunk: Buffer): void => {
      stderr += chunk;
    };
    const settle = (result: BuildResult): void => {
      child.stderr?.off('data', onStderr);
      child.off('message', onMessage).off('close', onClose);
      resolve(result);
    };
    const onMessage = (result: unknown): void => settle(result as BuildResult); // of astro-build-process.ts
    const onClose = (code: number | null): void => settle({ error: `the build process ended with ${code}: ${stderr}` });
    child.stderr?.on('data', onStderr);
    child.on('message', onMessage).on('close', onClose);
    child.send(order);
  });
}
