import type { Job } from '../../contract/store.ts';

/** A string in a script's reply. */
export function toText(value: unknown): string {
  return toBytes(value).toString();
}

/** A number in a script's reply. Scores and values of hashes are strings. */
export function toNumber(value: unknown): number {
  return typeof value === 'number' ? value : Number(toText(value));
}

export function toBytes(value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw new TypeError(`Redis must reply with a string, got ${typeof value}`);
  return value;
}

export function toList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`Redis must reply with a list, got ${typeof value}`);
  return value;
}

/** The job in a script's reply: its first seven items, in this order. */
export function toJob([id, rule, payload, dueAt, attempts, failures, vanished]: readonly unknown[]): Job {
  return {
    id: toText(id),
    rule: toText(rule),
    payload: toBytes(payload),
    dueAtMs: toNumber(dueAt),
    attempts: toNumber(attempts),
    failures: toNumber(failures),
    vanished: toNumber(vanished),
  };
}
