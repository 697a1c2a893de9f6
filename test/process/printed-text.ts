import { log } from 'node:console';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { KeptValues } from '../../src/contract/kept-values.ts';
import { PRINTED_FIELDS, type PrintedText } from '../../src/contract/log.ts';
import { capturePrinted, writeAsOwn } from '../../src/process/printed-text.ts';
import { runFor, type SiteCall } from '../../src/process/site-calls.ts';

/** What functions use as the global of this name. */
const { console: output } = globalThis;

const CALL: SiteCall = {
  calledCode: 'cloud-functions/a.js',
  route: '/a',
  requestId: { value: 'r1' },
  end: () => false,
};

/** Captures what `print` prints for a call. */
async function printedBy(
  print: () => void,
  { isPassedOn = false, call = CALL }: { readonly isPassedOn?: boolean; readonly call?: SiteCall } = {},
): Promise<PrintedText[]> {
  const all: PrintedText[] = [];
  const end = capturePrinted({ site: '/site', receive: (printed) => all.push(printed), isPassedOn });
  try {
    await runFor(call, async () => {
      await turn();
      print();
    });
  } finally {
    end();
  }
  return all;
}

test.serial('text of a call has its level, the file, the route and the request', async (t) => {
  t.deepEqual(await printedBy(() => output.log('hello %d', 7, { a: 1 })), [
    { level: 'info', text: 'hello 7 { a: 1 }', target: 'cloud-functions/a.js', route: '/a', requestId: 'r1' },
  ]);
});

test.serial('text of a call has the fields that its platform keeps', async (t) => {
  const kept = new KeptValues();
  kept.set(PRINTED_FIELDS, { run_id: 'run-1' });
  const [printed] = await printedBy(() => output.log('x'), { call: { ...CALL, kept } });
  t.deepEqual(printed?.fields, { run_id: 'run-1' });
});

test.serial('text of an attempt of a job has the id of the job', async (t) => {
  const { requestId: _, ...rest } = CALL;
  const [printed] = await printedBy(() => output.log('x'), { call: { ...rest, jobId: 'J1' } });
  t.like(printed, { fields: { job: 'J1' }, requestId: '' });
});

for (const [name, print, level, text] of [
  ['console.log', () => output.log('x\ny'), 'info', 'x\ny'],
  ['console.info', () => output.info('x'), 'info', 'x'],
  ['console.debug', () => output.debug('x'), 'debug', 'x'],
  ['console.warn', () => output.warn('x'), 'warn', 'x'],
  ['console.error', () => output.error('x'), 'error', 'x'],
  ['console.assert', () => output.assert(false, 'x'), 'warn', 'Assertion failed: x'],
  ['console.dir', () => output.dir(['x']), 'info', "[ 'x' ]"],
  ['an empty console.log', () => output.log(), 'info', ''],
  ['log of node:console', () => log('x'), 'info', 'x'],
  ['stdout.write', () => process.stdout.write('x\n'), 'info', 'x'],
  ['stderr.write', () => process.stderr.write('x\n'), 'error', 'x'],
  ['bytes', () => process.stdout.write(new TextEncoder().encode('ü\n')), 'info', 'ü'],
  ['hex', () => process.stdout.write('780a', 'hex'), 'info', 'x'],
] as const) {
  test.serial(`${name} gives one text of level ${level}`, async (t) => {
    const printed = await printedBy(() => void print());

    t.deepEqual(
      printed.map((each) => [each.level, each.text]),
      [[level, text]],
    );
  });
}

test.serial(
  'parts of a line are joined, each line is one text, and a rest without a line end is not lost',
  async (t) => {
    const printed = await printedBy(() => {
      process.stdout.write('a');
      process.stderr.write('other ');
      process.stdout.write('b\nc\nd');
      process.stderr.write('stream\n');
    });

    t.deepEqual(
      printed.map(({ text }) => text),
      ['ab', 'c', 'other stream', 'd'],
    );
  },
);

test.serial('a line without an end is received in parts of bounded length', async (t) => {
  const printed = await printedBy(() => {
    for (let part = 0; part < 100; part++) process.stdout.write('x'.repeat(1024));
  });

  t.true(Math.max(...printed.map(({ text }) => text.length)) <= 17 * 1024);
  t.is(
    printed.reduce((sum, { text }) => sum + text.length, 0),
    100 * 1024,
  );
});

test.serial('the callback of a captured write is called', async (t) => {
  let isCalled = false;
  await printedBy(() => void process.stdout.write('x\n', () => (isCalled = true)));
  await turn();

  t.true(isCalled);
});

test.serial('text that nexthop writes within a call is not captured', async (t) => {
  t.deepEqual(await printedBy(() => void writeAsOwn(process.stdout, '')), []);
});

test.serial('the end of the capture restores the console and the streams', async (t) => {
  const { log: logBefore } = output;
  const { write } = process.stdout;
  await printedBy(() => t.not(process.stdout.write, write));

  t.is(output.log, logBefore);
  t.is(process.stdout.write, write);
});
