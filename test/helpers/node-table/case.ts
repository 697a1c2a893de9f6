import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Peer } from '../peer.ts';

/** What a listener noted, in order. */
export type Note = (...values: readonly unknown[]) => void;

/** One exchange of a client with a listener of node:http. */
export interface Case {
  /** Bytes that the client sends, or what it does. Resolves when it has all that it waits for. */
  readonly client: (peer: Peer) => Promise<unknown>;
  readonly listener: (request: IncomingMessage, response: ServerResponse, note: Note) => unknown;
}

/** By title. */
export type Cases = Readonly<Record<string, Case>>;

export function get(target: string, headers = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: a.test\r\n${headers}\r\n`;
}

export function post(body: string, headers = ''): string {
  return `POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
}

/** The client sends the bytes, and reads until `mark`. */
export function sends(bytes: string, mark = '\r\n\r\n'): Case['client'] {
  return (peer) => {
    peer.write(bytes);
    return peer.readUntil(mark);
  };
}

/** The client sends the bytes, and reads to the end of the connection. */
export function sendsToEnd(bytes: string): Case['client'] {
  return (peer) => {
    peer.write(bytes);
    return peer.until(() => peer.closed !== undefined);
  };
}

/** Members that code can see, down to the prototypes; objects by their class. */
export function show(target: object, withoutOwn: readonly string[]): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const name in target) {
    if (withoutOwn.includes(name)) continue;
    const value: unknown = Reflect.get(target, name);
    if (typeof value === 'function') shown[name] = 'function';
    else shown[name] = typeof value === 'object' && value !== null ? value.constructor?.name : value;
  }
  return shown;
}

export async function readAll(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('latin1');
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error ? [error.message, (error as NodeJS.ErrnoException).code] : undefined;
}
