import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestId } from './exchange.ts';

/**
 * The id under which a request is known in every log: the platform's `section-io-id`, else `x-request-id`, else one of our own,
 * 32 hex digits like the platform's. Runs after `identify`, which has taken an untrusted peer's `section-io-id` away.
 */
export function requestIdOf({ headers }: IncomingMessage): RequestId {
  const platform = headers['section-io-id'];
  if (isId(platform)) return { value: platform, name: 'section-io-id', made: false };
  const general = headers['x-request-id'];
  if (isId(general)) return { value: general, name: 'x-request-id', made: false };
  return { value: randomUUID().replaceAll('-', ''), name: 'x-request-id', made: true };
}

/** Long enough for anybody's ids, short enough to stand in every line. */
const LONGEST = 128;
const VISIBLE = /^[!-~]+$/;

/** Of several fields none is the id: Node has joined them with ", ", and a space is not visible. */
function isId(value: string | string[] | undefined): value is string {
  return typeof value === 'string' && value.length <= LONGEST && VISIBLE.test(value);
}
