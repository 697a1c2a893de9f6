import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onCore } from '../child.ts';
import type { Command, Reply } from './messages.ts';
import type { Contestant, Location } from './system.ts';

const PROGRAM = join(import.meta.dirname, 'actor.ts');

/** The reply of the actor to each command. */
type ReplyTo<Kind extends Command['kind']> = Extract<
  Reply,
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

/** A process that uses one system. Disposing of it ends it. */
export class ActorProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when the process has opened its queue. */
  static async start({ module }: Contestant, location: Location, core: number): Promise<ActorProcess> {
    const command = { program: process.execPath, args: [PROGRAM, `./${module}`, JSON.stringify(location)] };
    const [program, args] = onCore(core, { ...command, environment: { NODE_ENV: 'production' } });
    const actor = new ActorProcess(spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    await actor.#receive();
    return actor;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends a command and resolves with its reply. One command at a time. */
  async send<Kind extends Command['kind']>(command: Extract<Command, { readonly kind: Kind }>): Promise<ReplyTo<Kind>> {
    const reply = this.#receive();
    this.#child.send(command);
    return (await reply) as ReplyTo<Kind>; // actor.ts sends this kind
  }

  async #receive(): Promise<Reply> {
    const ended = new AbortController();
    const end = once(this.#child, 'exit', { signal: ended.signal }).then(([code, signal]) => {
      throw new Error(`a process of the bench ended: ${code ?? signal}`);
    });
    end.catch(() => {}); // the race below handles the rejection, or has ended
    try {
      const [reply] = await Promise.race([once(this.#child, 'message', { signal: ended.signal }), end]);
      return reply;
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
