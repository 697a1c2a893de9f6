import test from 'ava';
import { toTraceContext } from '../../src/contract/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test('a valid traceparent has trace id, span id and flags', (t) => {
  t.deepEqual(toTraceContext(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN, flags: 1 });
});

for (const [what, header, isValid] of [
  ['a later version', `01-${TRACE}-${SPAN}-00`, true],
  ['a later version with more fields', `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, true],
  ['all flags', `00-${TRACE}-${SPAN}-ff`, true],
  ['none', undefined, false],
  ['an empty one', '', false],
  ['version ff', `ff-${TRACE}-${SPAN}-01`, false],
  ['more fields in version 00', `00-${TRACE}-${SPAN}-01-x`, false],
  ['text after the flags of a later version', `cc-${TRACE}-${SPAN}-01x`, false],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`, false],
  ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`, false],
  ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`, false],
  ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`, false],
  ['a long span id', `00-${TRACE}-${SPAN}0-01`, false],
  ['other characters', `00-${TRACE.replace('a', 'g')}-${SPAN}-01`, false],
  ['no flags', `00-${TRACE}-${SPAN}`, false],
  ['spaces', ` 00-${TRACE}-${SPAN}-01`, false],
  ['two', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`, false],
] as const) {
  test(`traceparent with ${what} is ${isValid ? 'valid' : 'invalid'}`, (t) => {
    t.is(toTraceContext(header) !== undefined, isValid);
  });
}
