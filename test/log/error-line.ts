import type { ExecutionContext } from 'ava';
import test from 'ava';
import { Fault } from '../../src/contract/fault.ts';
import type { Log } from '../../src/contract/log.ts';
import type { LogOptions } from '../../src/log/open.ts';
import { type LogFolder, logFolder } from '../helpers/log-folder.ts';

interface Written {
  readonly text: string;
  readonly lines: readonly Record<string, unknown>[];
}

/** Opens a log, calls `write`, closes the log, and resolves with the lines of error.log. */
async function written(
  t: ExecutionContext,
  write: (log: Log) => void,
  options: Partial<LogOptions> = {},
): Promise<Written> {
  const folder: LogFolder = await logFolder(t);
  const log = folder.open(options);
  write(log);
  await log.close(2000);
  return { text: await folder.read('error.log'), lines: await folder.lines('error.log') };
}

test('a line is JSON with a level as text, an ISO time, the pid, the message and the details', async (t) => {
  const { lines } = await written(t, (log) => log.warn('the hop is slow', { status: 504, request: 'GET /' }));

  t.like(lines, [{ level: 'warn', pid: process.pid, message: 'the hop is slow', status: 504, request: 'GET /' }]);
  t.regex(String(lines[0]?.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('messages below LOG_LEVEL are not written', async (t) => {
  const writeAll = (log: Log): void => {
    log.info('one');
    log.warn('two');
    log.error('three');
  };

  const level = async (least: LogOptions['level']): Promise<unknown[]> =>
    (await written(t, writeAll, { level: least })).lines.map(({ message }) => message);

  t.deepEqual(await level('info'), ['one', 'two', 'three']);
  t.deepEqual(await level('warn'), ['two', 'three']);
  t.deepEqual(await level('error'), ['three']);
});

test('an error is logged with type, message, codes and causes, and its stack is a key of the line', async (t) => {
  const root = Object.assign(new RangeError('the root'), { code: 'E_ROOT' });
  const fault = new Fault('hop_reset', { message: 'cut', cause: new TypeError('the middle', { cause: root }) });
  const { lines } = await written(t, (log) => log.error('failed', { error: fault }));

  t.like(lines[0], { message: 'failed: cut' });
  t.like(lines[0]?.error, {
    type: 'Fault',
    message: 'cut',
    code: 'hop_reset',
    status: 502,
    stack: undefined,
    cause: {
      type: 'TypeError',
      message: 'the middle',
      cause: { type: 'RangeError', message: 'the root', code: 'E_ROOT' },
    },
  });
  t.regex(String(lines[0]?.stack), /^Fault: cut\n[\s\S]*error-line\.ts/);
  t.regex(JSON.stringify(lines[0]?.error), /error-line\.ts/, 'the stacks of the causes');
});

/** An error whose stack has these locations, innermost first. */
function thrownAt(...locations: readonly string[]): Error {
  const error = new Error('boom');
  error.stack = ['Error: boom', ...locations.map((location) => `    at ${location}`)].join('\n');
  return error;
}

for (const [what, stack, location] of [
  ['a function', ['onRequest (/srv/site/api/a.ts:3:7)', 'run (/srv/site/b.js:1:1)'], ['api/a.ts', 3, 7]],
  ['a function that awaits', ['async onRequest (file:///srv/site/a%20b.ts:3:7)'], ['a b.ts', 3, 7]],
  ['code without a name', ['file:///srv/site/a.ts:3:7'], ['a.ts', 3, 7]],
  ['a name with brackets', ['new (anonymous) (/srv/site/(group)/[id].ts:3:7)'], ['(group)/[id].ts', 3, 7]],
  [
    "a package, called by the site's code",
    ['node:internal/x:1:1', 'a (/srv/site/node_modules/p/i.js:1:2)', 'b (/srv/site/c.js:4:5)'],
    ['c.js', 4, 5],
  ],
  [
    'text that a function evaluates',
    ['eval (eval at render (file:///srv/site/tpl.mjs:9:7), <anonymous>:3:7)', 'render (/srv/site/tpl.ts:5:6)'],
    ['tpl.ts', 5, 6],
  ],
  ['a package alone', ['a (/srv/site/node_modules/p/i.js:1:2)'], ['node_modules/p/i.js', 1, 2]],
  ['code outside of the site', ['a (/srv/shared/lib.ts:1:2)'], ['/srv/shared/lib.ts', 1, 2]],
  ['a package outside of the site', ['a (/app/node_modules/p/i.js:1:2)', 'b (node:net:1:2)'], []],
  ['nexthop', [`a (${import.meta.dirname.replace(/test.log$/, 'src')}/handler.ts:1:2)`], []],
  ['code without a file', ['a (<anonymous>)', 'async Promise.all (index 0)'], []],
] as const) {
  test(`the line of an error in ${what} has its file, line and column`, async (t) => {
    const write = (log: Log): void => log.error('failed', { error: thrownAt(...stack) });
    const { lines } = await written(t, write, { site: '/srv/site' });

    const { file, line, column } = lines[0] ?? {};
    t.deepEqual(
      [file, line, column].filter((each) => each !== undefined),
      [...location],
    );
  });
}

test("the line of a function's Fault has message and location of the error that the function threw", async (t) => {
  const cause = Object.assign(thrownAt('onRequest (/srv/site/a.ts:3:7)'), { code: 'E_MINE' });
  const { lines } = await written(
    t,
    (log) => {
      log.error('function_error', { error: new Fault('function_error', { cause }) });
      log.error('a.ts is not loaded', { error: new Fault('function_error', { message: 'a.ts is not loaded', cause }) });
      log.error('function_error', { error: new Fault('function_error', { cause: 'a text' }) });
      log.error('function_error', { error: new Fault('function_error') });
    },
    { site: '/srv/site' },
  );

  const stack = 'Error: boom\n    at onRequest (/srv/site/a.ts:3:7)';
  t.like(lines[0], {
    message: 'boom',
    file: 'a.ts',
    line: 3,
    column: 7,
    stack,
    error: { type: 'Error', code: 'E_MINE' },
  });
  t.like(lines[1], { message: 'a.ts is not loaded: boom', file: 'a.ts', stack });
  t.like(lines[2], { message: 'threw "a text"', error: 'a text' });
  t.like(lines[3], { message: 'function_error', error: { type: 'Fault', code: 'function_error' } });
});

test('each error of an AggregateError is logged', async (t) => {
  const error = new AggregateError([new Error('first'), new Error('second')], 'both');
  const { lines } = await written(t, (log) => log.error('failed', { error }));

  t.like(lines[0]?.error, { message: 'both', errors: [{ message: 'first' }, { message: 'second' }] });
});

test('no line has a secret, at any depth and under any name', async (t) => {
  const { text } = await written(t, (log) =>
    log.error('the head was "Cookie: s3cret"', {
      Authorization: 's3cret',
      cookies: { session: 's3cret' },
      request: { headers: { 'proxy-authorization': 's3cret', 'Set-Cookie': ['s3cret'] } },
      rawHeaders: ['Host', 'a', 'Cookie', 's3cret'],
      pairs: [['set-cookie', 's3cret']],
      map: new Map([['authorization', 's3cret']]),
      HTTP_COOKIE: 'Cookie: s3cret',
      error: Object.assign(new Error('bad field "Set-Cookie: s3cret"'), {
        rawPacket: Buffer.from('s3cret'),
        headers: new Headers({ cookie: 's3cret' }),
        data: 'HTTP/1.1 200 OK\r\nset-cookie: s3cret\r\n\r\n',
      }),
    }),
  );

  t.false(text.includes('s3cret'), text);
  t.false(text.includes(Buffer.from('s3cret').join(',')), text);
});

test('values that are not secret stay', async (t) => {
  const { lines } = await written(t, (log) =>
    log.info('read the cookie', { rawHeaders: ['Host', 'a', 'Cookie', 'b', 'Accept', 'c'], note: 'Cookie: x\nmore' }),
  );

  t.like(lines[0], {
    message: 'read the cookie',
    rawHeaders: ['Host', 'a', 'Cookie', '[removed]', 'Accept', 'c'],
    note: 'Cookie: [removed]\nmore',
  });
});

test('a line has neither line breaks nor control characters of terminals', async (t) => {
  const hostile = '\r\n{"level":"info"}\u001b[2J\u009b2J\u007f\u2028\ud800';
  const { text, lines } = await written(t, (log) => log.warn(`message ${hostile}`, { [hostile]: hostile }));

  t.false(/[\0-\x09\x0b-\x1f\x7f-\x9f\u2028]/.test(text));
  t.is(lines.length, 1);
  t.like(lines[0], { message: `message ${hostile}`, [hostile]: hostile });
});

test('text in any language is written unchanged', async (t) => {
  const { text } = await written(t, (log) => log.info('größer, 大きい, 😀'));

  t.true(text.includes('größer, 大きい, 😀'));
});

test('values that JSON does not have are logged as text', async (t) => {
  const circle: Record<string, unknown> = { name: 'circle' };
  circle.self = circle;
  const fields = {
    big: 10n,
    symbol: Symbol('s'),
    call: parseInt,
    circle,
    at: new Date(0),
    url: new URL('http://a/b'),
    none: null,
  };
  const { lines } = await written(t, (log) => log.info('a line', fields));

  t.like(lines[0], {
    big: '10',
    symbol: 'Symbol(s)',
    call: '[function parseInt]',
    circle: { name: 'circle' },
    at: '1970-01-01T00:00:00.000Z',
    url: 'http://a/b',
    none: null,
  });
});

test('a value whose getter throws removes the details of a line, not the line', async (t) => {
  const hostile = new Proxy({}, { ownKeys: () => assertNever() });
  const { lines } = await written(t, (log) => {
    log.error('a function threw', { error: hostile });
    log.error('next', {
      get error() {
        return assertNever();
      },
    });
  });

  t.like(lines, [{ message: 'a function threw' }, { message: 'next' }]);
});

test('the size of a line is bounded for every thrown value', async (t) => {
  const wide = Object.fromEntries(
    Array.from({ length: 5000 }, (_, index) => [`key${index}`, { deep: { deeper: index } }]),
  );
  const { text, lines } = await written(t, (log) =>
    log.error('m'.repeat(1e6), { wide, list: Array.from({ length: 5000 }, () => wide), long: 'x'.repeat(1e6) }),
  );

  t.is(lines.length, 1);
  t.true(text.length < 100_000, `${text.length}`);
});

test('client addresses are shortened in error.log, too', async (t) => {
  const log = (each: Log): void => each.info('a client', { peer: '203.0.113.77' });

  t.like((await written(t, log, { shortAddresses: true })).lines, [{ peer: '203.0.113.0' }]);
  t.like((await written(t, log)).lines, [{ peer: '203.0.113.77' }]);
});

function assertNever(): never {
  throw new Error('this must not be read');
}
