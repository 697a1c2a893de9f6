import test from 'ava';
import { Fault } from '../../src/contract/fault.ts';
import { toFailureReason } from '../../src/jobs/failure-reason.ts';

test('a reason has the error, its location, and a limited number of lines', (t) => {
  const [first = '', ...stack] = toFailureReason(new RangeError('too far')).split('\n');

  t.is(first, 'RangeError: too far');
  t.is(stack.length, 4);
  t.regex(stack[0] ?? '', /failure-reason\.ts:\d+:\d+/);
});

test('the reason for a Fault of a function is the error that the function threw', (t) => {
  t.regex(toFailureReason(new Fault('function_error', { cause: new Error('no disk') })), /^Error: no disk\n/);
  t.is(toFailureReason(new Fault('function_error', { cause: 'no disk' })), 'threw no disk');
  t.regex(
    toFailureReason(new Fault('bad_request', { message: 'no request', cause: new Error('x') })),
    /^Fault: no request\n/,
  );
});

test('every thrown value has a reason', (t) => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;

  t.deepEqual([undefined, null, '', 7n, { code: 5 }, circle, Symbol('x')].map(toFailureReason), [
    'threw undefined',
    'threw null',
    'threw ',
    'threw bigint',
    'threw {"code":5}',
    'threw object',
    'threw Symbol(x)',
  ]);
});

test('an error with invalid properties has a reason', (t) => {
  const withGetter = Object.defineProperty(new Error('x'), 'message', {
    get() {
      throw new Error('never read');
    },
  });
  const withSymbol = Object.assign(new Error('x'), { message: Symbol('odd'), stack: '' });
  const withList = Object.assign(new Error('x'), { stack: [{ line: 1 }] });

  t.is(toFailureReason(withGetter), 'threw object');
  t.is(toFailureReason(withSymbol), 'Error: Symbol(odd)');
  t.is(toFailureReason(withList), 'Error: x');
  t.is(toFailureReason(new Fault('function_error', { cause: withList })), 'Error: x');
});

test('a reason has a bounded length and no secret of a request', (t) => {
  t.is(toFailureReason(new Error('x'.repeat(5000))).length, 1001);
  t.regex(
    toFailureReason(new Error('sent\nAuthorization: Bearer abc\nrefused')),
    /^Error: sent\nAuthorization: \[removed\]\nrefused/,
  );
});
