import type { IncomingMessage, ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { bareServer, pairServer } from './node-servers.ts';
import type { Peer } from './peer.ts';
import { until } from './until.ts';

/** Compares what the listener of each case sees on a bare node:http server with what it sees on a pair, and what the client gets. */
export function compareWithNode(cases: Readonly<Record<string, Case>>): void {
  for (const [title, each] of Object.entries(cases)) {
    test(`${title} is the same as in node:http`, async (t) => {
      const bare = await run(t, each, bareServer);
      const paired = await run(t, each, pairServer);
      t.deepEqual(paired, bare);
    });
  }
}

/** What a listener noted, in order. */
export type Note = (...values: readonly unknown[]) => void;

export interface Case {
  /** Bytes that the client sends, or what it does. Resolves when it has all that it waits for. */
  readonly client: (peer: Peer) => Promise<unknown>;
  readonly listener: (request: IncomingMessage, response: ServerResponse, note: Note) => unknown;
}

const REQUEST_EVENTS = ['end', 'close', 'aborted', 'error'];
const RESPONSE_EVENTS = ['prefinish', 'finish', 'close', 'error', 'pipe', 'drain'];

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
async function run(t: ExecutionContext, { client, listener }: Case, start: typeof bareServer): Promise<unknown> {
  const notes: unknown[] = [];
  let open = 0;
  const note: Note = (...values) => void notes.push(values.length === 1 ? values[0] : values);
  const server = await start(t, (request, response) => {
    open += 2;
    for (const name of REQUEST_EVENTS) request.on(name, (error?: unknown) => note(`request ${name}`, codeOf(error)));
    for (const name of RESPONSE_EVENTS) response.on(name, (error?: unknown) => note(`response ${name}`, codeOf(error)));
    request.on('close', () => open--);
    response.on('close', () => open--);
    return listener(request, response, note);
  });
  const peer = await server.connect();
  await client(peer);
  await until(() => open === 0, 'the end of each request and response');
  const received = peer.received.replaceAll(/^Date: .*$/gm, 'Date: …');
  return { notes, received };
}

export function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error ? [error.message, (error as NodeJS.ErrnoException).code] : undefined;
}
