import type { Job } from '../../contract/store.ts';
import { toBytes, toNumber, toText } from './reply.ts';

/** The job of which a script tells: the first six parts of its reply, in this order. */
export function toJob([id, rule, payload, dueAt, attempts, failures]: readonly unknown[]): Job {
  return {
    id: toText(id),
    rule: toText(rule),
    payload: toBytes(payload),
    dueAtMs: toNumber(dueAt),
    attempts: toNumber(attempts),
    failures: toNumber(failures),
  };
}
