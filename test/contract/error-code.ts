import { runInNewContext } from 'node:vm';
import test from 'ava';
import { hasCode, isMissingFile } from '../../src/contract/error-code.ts';

test('an error of another realm has its code, as in a test file of jest', (t) => {
  const error: unknown = runInNewContext("Object.assign(new Error('no such file'), { code: 'ENOENT' })");

  t.false(error instanceof Error);
  t.true(isMissingFile(error));
  t.false(hasCode(error, 'EEXIST'));
});

test('what is no error has no code', (t) => {
  for (const value of [undefined, null, 'ENOENT', new Error('ENOENT'), {}]) t.false(isMissingFile(value));
});
