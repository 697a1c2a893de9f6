// Imports nothing: the watchdog's thread would have its own copy of it in memory.

/** What the members of the memory mean that the watchdog shares with its thread. BEATS counts up while the event loop runs; STOP_SIGNAL is the first signal that it received. */
export const BEATS = 0;
export const STOP_SIGNAL = 1;
/** Length of the text about the last call, in bytes. 0: no call is in progress. */
export const LAST_CALL_LENGTH = 2;
const LAST_CALL_AT = 12;
const LAST_CALL_BYTES = 1012;

/** `target`, `route`, `request_id` and `job` of a call. */
export type CallFacts = Readonly<Record<string, string>>;
export type CallsInProgress = readonly CallFacts[];

export type StallMemory = Int32Array<SharedArrayBuffer>;

export function createStallMemory(): StallMemory {
  return new Int32Array(new SharedArrayBuffer(LAST_CALL_AT + LAST_CALL_BYTES));
}

/** The bytes of the text about the call that began last: one fact in each line. */
export function toLastCallText({ buffer }: StallMemory, length = LAST_CALL_BYTES): Buffer {
  return Buffer.from(buffer, LAST_CALL_AT, length);
}

/** The call that began last, if any is in progress. */
export function readLastCall(memory: StallMemory): CallFacts | undefined {
  const length = memory[LAST_CALL_LENGTH] ?? 0;
  if (length === 0) return undefined;
  const [target = '', route = '', id = '', job = ''] = toLastCallText(memory, length).toString().split('\n');
  return { target, ...(route !== '' && { route }), ...(id !== '' && { request_id: id }), ...(job !== '' && { job }) };
}
