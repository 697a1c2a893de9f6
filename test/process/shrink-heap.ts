import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { getHeapSpaceStatistics } from 'node:v8';
import test from 'ava';
import { startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const MEGABYTE = 1024 * 1024;
const SMALL_BYTES = 3 * MEGABYTE;

/** Runs a module in a process of its own: V8's flags are those of a process, and other tests set them. Resolves with its output. */
async function runModule(code: string): Promise<string> {
  const module = `import { getHeapSpaceStatistics } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    import { shrinkHeap, shrinkHeapWhenIdle } from ${JSON.stringify(import.meta.resolve('../../src/process/shrink-heap.ts'))};
    ${growYoungGeneration.toString()}
    ${youngBytes.toString()}
    ${code}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', module]);
  return stdout;
}

test('the young generation is small after the heap was shrunk, and code of the site gets no collector', async (t) => {
  const stdout = await runModule(`growYoungGeneration();
    const grown = youngBytes();
    const isShrunk = shrinkHeap();
    console.log(JSON.stringify({ grown, isShrunk, shrunk: youngBytes(), collector: runInNewContext('typeof gc') }));`);

  const { grown, isShrunk, shrunk, collector } = JSON.parse(stdout);
  t.true(grown > SMALL_BYTES);
  t.true(isShrunk);
  t.true(shrunk < SMALL_BYTES);
  t.is(collector, 'undefined');
});

test('the heap is shrunk soon after a start', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/heap.js': `import { getHeapSpaceStatistics } from 'node:v8';
      ${growYoungGeneration.toString()}
      ${youngBytes.toString()}
      growYoungGeneration();
      const timer = setInterval(() => {
        if (youngBytes() > ${SMALL_BYTES}) return;
        clearInterval(timer);
        console.log('the heap is small');
      }, 50);
      export const onRequest = () => new Response();`,
  });

  const running = await startNexthop(t, { site, env: { LOG_STDOUT: '1' } });

  t.truthy(await running.said(/the heap is small/));
});

test('the heap is shrunk again when it has grown and there is no work any more, but not if it is large', async (t) => {
  const stdout = await runModule(`const small = async () => {
      while (youngBytes() > ${SMALL_BYTES}) await new Promise((resolve) => setTimeout(resolve, 100));
    };
    shrinkHeapWhenIdle({ checkMs: 500, quietChecks: 2, pauseMs: 500 });
    await small();
    growYoungGeneration();
    await small();
    console.log('shrunk again');
    const large = Array.from({ length: 20 }, () => Array.from({ length: 1e6 }, (_, at) => at + 0.5));
    growYoungGeneration();
    await Promise.race([small(), new Promise((resolve) => setTimeout(resolve, 3000))]);
    console.log(youngBytes() > ${SMALL_BYTES} && large.length === 20 ? 'large and left' : 'shrunk');`);

  t.is(stdout, 'shrunk again\nlarge and left\n');
});

/** Objects that live for some collections make it larger. */
function growYoungGeneration(): void {
  const kept: object[] = [];
  for (let index = 0; index < 1_000_000; index++) kept[index % 100_000] = { index };
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}
