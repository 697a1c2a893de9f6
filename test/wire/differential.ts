import { randomInt } from 'node:crypto';
import test from 'ava';
import type { MessageReason } from '../../src/wire/message-fault.ts';
import { compareReaders } from '../helpers/differential/compare.ts';

const MESSAGES = 20_000;

/** Mutations find rare inputs that llhttp accepts by leniency, about once in some hundred thousand messages; a rule that differs is found more often. */
const RARE = 5;

/** Reasons for which the wire refuses a message that Node accepts; each is a row of docs/decisions/wire.md. */
const ONLY_NODE: ReadonlySet<string> = new Set<MessageReason>([
  'asterisk_target',
  'bad_chunk_end',
  'bad_chunk_extension',
  'bad_chunk_size',
  'bad_host',
  'bad_length',
  'bad_request_line',
  'bad_status',
  'bad_status_line',
  'bad_target',
  'bad_version',
  'bare_cr',
  'bare_lf',
  'chunk_too_long',
  'chunked_not_last',
  'coding_in_1_0',
  'control_byte',
  'empty_line',
  'fragment_in_target',
  'framing_in_trailers',
  'no_host',
  'refused_method',
  'two_hosts',
  'two_lengths',
  'unasked_upgrade',
  'underscore_framing',
  'unknown_coding',
  'unknown_expectation',
  'unsupported_version',
]);

test('Node accepts every message that the wire accepts and reads the same from it, however its bytes are cut', async (t) => {
  const seed = randomInt(2 ** 31);
  t.log(`seed ${seed}`);

  const findings = await compareReaders(seed, (messages) => messages >= MESSAGES);

  t.deepEqual(findings.breaches, []);
  t.true(findings.accepted > MESSAGES / 4, 'most messages are valid');
  t.deepEqual(
    [...findings.onlyNode].filter(([reason, count]) => count > RARE && !ONLY_NODE.has(reason)),
    [],
    'a new reason for which only the wire refuses a message',
  );
});
