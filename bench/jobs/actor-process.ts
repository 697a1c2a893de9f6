import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onCore } from '../child.ts';
import type { Asked, Told } from './messages.ts';
import type { Contestant, Location } from './system.ts';

const PROGRAM = join(import.meta.dirname, 'actor.ts');

/** What the actor answers to each question. */
type AnswerTo<Kind extends Asked['kind']> = Extract<
  Told,
  {
    readonly kind: Kind extends 'push'
      ? 'pushed'
      : Kind extends 'run'
        ? 'ran'
        : Kind extends 'latencies'
          ? Kind
          : 'done';
  }
>;

/** A process that uses one system; disposing of it ends it. */
export class ActorProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when it has opened its queue. */
  static async start({ module }: Contestant, place: Location, core: number): Promise<ActorProcess> {
    const command = { program: process.execPath, args: [PROGRAM, `./${module}`, JSON.stringify(place)] };
    const [program, args] = onCore(core, { ...command, environment: { NODE_ENV: 'production' } });
    const actor = new ActorProcess(spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    await actor.#hear();
    return actor;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** One question at a time. */
  async ask<Kind extends Asked['kind']>(asked: Extract<Asked, { readonly kind: Kind }>): Promise<AnswerTo<Kind>> {
    const told = this.#hear();
    this.#child.send(asked);
    return (await told) as AnswerTo<Kind>; // actor.ts answers so
  }

  async #hear(): Promise<Told> {
    const ended = new AbortController();
    const end = once(this.#child, 'exit', { signal: ended.signal }).then(([code, signal]) => {
      throw new Error(`a process of the bench ended: ${code ?? signal}`);
    });
    end.catch(() => {}); // it is raced, or no longer waited for
    try {
      const [told] = await Promise.race([once(this.#child, 'message', { signal: ended.signal }), end]);
      return told;
    } finally {
      ended.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
