import { setTimeout as delay } from 'node:timers/promises';
import { readCpuMs } from './cpu.ts';
import type { Asked, Told } from './messages.ts';
import type { OpenSystem, System } from './system.ts';

// One process that uses a system: `node actor.ts <module> <place as JSON>`, asked by messages what to do.

const [module = '', place = '{}'] = process.argv.slice(2);
const { open } = (await import(new URL(module, import.meta.url).href)) as { readonly open: OpenSystem }; // see Contestant
const system: System = await open(JSON.parse(place));
const payload = 'x'.repeat(1024);

/** Of jobs whose payload is when they were pushed. */
let latenciesMs: number[] = [];
let ran = 0;
/** What to do when so many were run. */
const marks = new Map<number, () => void>();

process.on('message', (asked: Asked) => void answer(asked).then((told) => process.send?.(told)));
process.on('disconnect', () => process.exit());
process.send?.({ kind: 'ready' } satisfies Told);

async function answer(asked: Asked): Promise<Told> {
  switch (asked.kind) {
    case 'push':
      return { kind: 'pushed', ...(await push(asked.seconds, asked.atOnce)) };
    case 'fill':
      await fill(asked.count);
      return { kind: 'done' };
    case 'work':
      system.work(asked.concurrency, note);
      return { kind: 'done' };
    case 'run':
      return { kind: 'ran', ...(await run(asked)) };
    case 'trickle':
      await trickle(asked.count, asked.everyMs);
      return { kind: 'done' };
    case 'latencies': {
      const told = latenciesMs;
      latenciesMs = [];
      return { kind: 'latencies', latenciesMs: told };
    }
    case 'close':
      await system.close();
      return { kind: 'done' };
  }
}

/** Pushes for so long, so many at once. */
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

async function run({ concurrency, warmUp, count, redisPid }: Extract<Asked, { readonly kind: 'run' }>) {
  const look = () => ({ ms: performance.now(), cpuMs: readCpuMs(process.pid), redisMs: readCpuMs(redisPid) });
  const atMark = (number: number): Promise<ReturnType<typeof look>> =>
    new Promise((resolve) => marks.set(number, () => resolve(look())));
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

/** By the clock that all processes of a machine share. */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
