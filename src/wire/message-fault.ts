import { Fault, type FaultCode } from '../contract/fault.ts';

/**
 * Every reason for which a message is refused, with the fault code that it has in a request.
 * In a response each of them is `hop_bad_answer`.
 */
const REASONS = {
  bad_request_line: 'bad_request',
  empty_line: 'bad_request',
  bad_method: 'bad_request',
  refused_method: 'method_refused',
  bad_target: 'bad_request',
  fragment_in_target: 'bad_path',
  asterisk_target: 'bad_path',
  bad_version: 'bad_request',
  unsupported_version: 'version_unsupported',
  bad_status_line: 'hop_bad_answer',
  bad_status: 'hop_bad_answer',

  bare_lf: 'bad_request',
  bare_cr: 'bad_request',
  control_byte: 'bad_request',
  folded_line: 'bad_request',
  space_before_colon: 'bad_request',
  no_colon: 'bad_request',
  empty_name: 'bad_request',
  bad_name: 'bad_request',
  unfinished_head: 'bad_request',
  head_too_long: 'headers_too_large',
  too_many_headers: 'headers_too_large',

  no_host: 'bad_request',
  two_hosts: 'bad_request',
  bad_host: 'bad_request',
  bad_length: 'bad_request',
  two_lengths: 'bad_request',
  length_and_coding: 'bad_request',
  coding_in_1_0: 'bad_request',
  chunked_not_last: 'bad_request',
  unknown_coding: 'coding_unknown',
  underscore_framing: 'bad_request',
  unknown_expectation: 'expectation_failed',

  bad_chunk_size: 'bad_request',
  chunk_too_long: 'bad_request',
  bad_chunk_extension: 'bad_request',
  extensions_too_long: 'body_too_large',
  bad_chunk_end: 'bad_request',
  framing_in_trailers: 'bad_request',
  body_too_large: 'body_too_large',

  unasked_upgrade: 'hop_bad_answer',
  too_many_interims: 'hop_bad_answer',
} as const satisfies Record<string, FaultCode>;

export type MessageReason = keyof typeof REASONS;

export type Side = 'request' | 'response';

/** RFC 9110 10.2.1: a 405 says what is allowed. Other methods that are tokens are forwarded, too. */
const ALLOW = ['Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'];

/** A message of HTTP/1.1 that is refused: `reason` says which rule it breaks. */
export class MessageFault extends Fault {
  readonly reason: MessageReason;

  constructor(reason: MessageReason, side: Side) {
    super(side === 'request' ? REASONS[reason] : 'hop_bad_answer', {
      message: `the ${side} was refused: ${reason.replaceAll('_', ' ')}`,
      ...(reason === 'refused_method' ? { headers: ALLOW } : undefined),
    });
    this.reason = reason;
  }
}
