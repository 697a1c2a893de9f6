import { setTimeout as delay } from 'node:timers/promises';
import { readCpuMs } from './cpu.ts';
import type { Command, Reply } from './messages.ts';
import type { OpenSystem, System } from './system.ts';

// A process that uses one system: `node actor.ts <module> <location as JSON>`. It executes the commands that it gets as messages.

const [module = '', location = '{}'] = process.argv.slice(2);
const { open } = (await import(new URL(module, import.meta.url).href)) as { readonly open: OpenSystem }; // see Contestant
const system: System = await open(JSON.parse(location));
const payload = 'x'.repeat(1024);

/** Of jobs whose payload is the time of their push. */
let latenciesMs: number[] = [];
let ran = 0;
/** Functions to call when this many jobs have run. */
const marks = new Map<number, () => void>();

process.on('message', (command: Command) => void execute(command).then((reply) => process.send?.(reply)));
process.on('disconnect', () => process.exit());
process.send?.({ kind: 'ready' } satisfies Reply);

async function execute(command: Command): Promise<Reply> {
  switch (command.kind) {
    case 'push':
      return { kind: 'pushed', ...(await push(command.seconds, command.atOnce)) };
    case 'fill':
      await fill(command.count);
      return { kind: 'done' };
    case 'work':
      system.work(command.concurrency, note);
      return { kind: 'done' };
    case 'run':
      return { kind: 'ran', ...(await run(command)) };
    case 'trickle':
      await trickle(command.count, command.everyMs);
      return { kind: 'done' };
    case 'latencies': {
      const reported = latenciesMs;
      latenciesMs = [];
      return { kind: 'latencies', latenciesMs: reported };
    }
    case 'close':
      await system.close();
      return { kind: 'done' };
  }
}

/** Pushes jobs for `seconds`, `atOnce` at a time. */
async function push(seconds: number, atOnce: number): Promise<{ jobs: number; seconds: number }> {
  const startedAtMs = performance.now();
  const endMs = startedAtMs + seconds * 1000;
  let jobs = 0;
  const loop = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await system.push(payload);
      jobs++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  return { jobs, seconds: (performance.now() - startedAtMs) / 1000 };
}

async function fill(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 100) {
    await Promise.all(Array.from({ length: Math.min(left, 100) }, () => system.push(payload)));
  }
}

function note(text: string): void {
  ran++;
  if (text !== payload) latenciesMs.push(nowMs() - Number(text));
  marks.get(ran)?.();
}

async function run({ concurrency, warmUp, count, redisPid }: Extract<Command, { readonly kind: 'run' }>) {
  const measure = () => ({ ms: performance.now(), cpuMs: readCpuMs(process.pid), redisMs: readCpuMs(redisPid) });
  const atMark = (number: number): Promise<ReturnType<typeof measure>> =>
    new Promise((resolve) => marks.set(number, () => resolve(measure())));
  const [begins, ends] = [atMark(warmUp), atMark(warmUp + count)];
  system.work(concurrency, note);
  const [before, after] = await Promise.all([begins, ends]);
  return {
    seconds: (after.ms - before.ms) / 1000,
    cpuMs: after.cpuMs - before.cpuMs,
    redisMs: after.redisMs - before.redisMs,
  };
}

async function trickle(count: number, everyMs: number): Promise<void> {
  for (let left = count; left > 0; left--) {
    await system.push(String(nowMs()));
    await delay(everyMs);
  }
}

/** Milliseconds of the clock that all processes of a machine share. */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
