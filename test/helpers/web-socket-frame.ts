/** Opcodes of RFC 6455 5.2. */
const OPCODES = { text: 0x1, binary: 0x2, close: 0x8, ping: 0x9 } as const;

export interface FrameParts {
  readonly kind: keyof typeof OPCODES;
  /** Latin1. */
  readonly payload?: string;
  /** False creates an invalid frame: frames of clients must be masked. */
  readonly masked?: boolean;
}

/** A frame of a client as latin1, with the mask 0, which does not change the payload. */
export function frame({ kind, payload = '', masked = true }: FrameParts): string {
  const mark = masked ? 0x80 : 0;
  const head = [0x80 | OPCODES[kind]];
  if (payload.length < 126) head.push(mark | payload.length);
  else if (payload.length < 65_536) head.push(mark | 126, payload.length >> 8, payload.length & 0xff);
  else head.push(mark | 127, 0, 0, 0, 0, ...toFourBytes(payload.length));
  return `${String.fromCharCode(...head)}${masked ? '\0\0\0\0' : ''}${payload}`;
}

/** The status code in a close frame, as latin1. */
export function closeMark(code: number): string {
  return String.fromCharCode(code >> 8, code & 0xff);
}

function toFourBytes(count: number): number[] {
  return [count >>> 24, (count >>> 16) & 0xff, (count >>> 8) & 0xff, count & 0xff];
}
