import test from 'ava';
import { Fault, type FaultCode } from '../../src/contract/fault.ts';
import { isRefused, toOriginFault } from '../../src/wire/origin-fault.ts';

function withCode(code: string): Error {
  return Object.assign(new Error(`it failed: ${code}`), { code });
}

const BEFORE: readonly [FaultCode, readonly string[]][] = [
  [
    'hop_unreachable',
    ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ECONNRESET', 'EMFILE'],
  ],
  ['hop_timeout', ['ETIMEDOUT', 'ERR_SOCKET_CONNECTION_TIMEOUT']],
];

for (const [fault, codes] of BEFORE) {
  for (const code of codes) {
    test(`${code} before a connection is ${fault}, with the error as its cause`, (t) => {
      const error = withCode(code);

      const { code: found, cause, message } = toOriginFault(error, false);

      t.is(found, fault);
      t.is(cause, error);
      t.is(message, error.message);
    });
  }
}

test('an error of an open connection is hop_reset, and a timeout stays one', (t) => {
  t.is(toOriginFault(withCode('ECONNRESET'), true).code, 'hop_reset');
  t.is(toOriginFault(withCode('EPIPE'), true).code, 'hop_reset');
  t.is(toOriginFault(undefined, true).code, 'hop_reset');
  t.is(toOriginFault(withCode('ETIMEDOUT'), true).code, 'hop_timeout');
});

test('several addresses that all refuse are hop_unreachable', (t) => {
  const error = new AggregateError([withCode('ECONNREFUSED'), withCode('ENETUNREACH')]);

  t.is(toOriginFault(error, false).code, 'hop_unreachable');
});

test('several addresses of which one did not answer in time are hop_timeout', (t) => {
  const error = new AggregateError([withCode('ENETUNREACH'), withCode('ETIMEDOUT')]);

  t.is(toOriginFault(error, false).code, 'hop_timeout');
});

test('isRefused is true for a refused connection only, also with several addresses', (t) => {
  t.true(isRefused(new AggregateError([withCode('ENETUNREACH'), withCode('ECONNREFUSED')])));
  t.false(isRefused(new AggregateError([withCode('ENETUNREACH')])));
  t.false(isRefused(withCode('ECONNRESET')));
  t.false(isRefused(undefined));
});

test('a Fault is returned unchanged', (t) => {
  const fault = new Fault('hop_busy');

  t.is(toOriginFault(fault, true), fault);
});
