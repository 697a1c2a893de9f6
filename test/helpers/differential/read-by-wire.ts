import { createBodyReader } from '../../../src/wire/create-body-reader.ts';
import { HeadCutter } from '../../../src/wire/head-cutter.ts';
import { MessageFault, type Side } from '../../../src/wire/message-fault.ts';
import type { MessageHead } from '../../../src/wire/message-head.ts';
import { checkRequestLine, RequestHead } from '../../../src/wire/request-head.ts';
import { checkStatusLine, ResponseHead } from '../../../src/wire/response-head.ts';
import type { Reading, ReadMessage } from './reading.ts';

const LIMITS = { maxHeaders: 200 };
const MAX_BYTES = 32 * 1024;

/** Reads all requests of one connection. */
export function readRequestsByWire(pieces: readonly Buffer[]): Reading {
  return read(pieces, 'request', (text) => {
    const head = new RequestHead(text, { ...LIMITS, encrypted: false });
    return { head, first: head.method, second: head.target, isLast: !head.keepsAlive };
  });
}

/** Reads the response to one request, without interim ones, from a connection that then ends in order. */
export function readResponseByWire(pieces: readonly Buffer[], method: string): Reading {
  return read(pieces, 'response', (text) => {
    const head = new ResponseHead(text, { ...LIMITS, method });
    if (head.status === 101) throw new MessageFault('unasked_upgrade', 'response');
    return { head, first: String(head.status), second: head.reason, isLast: head.status >= 200 };
  });
}

interface Understood {
  readonly head: MessageHead;
  readonly first: string;
  readonly second: string;
  readonly isLast: boolean;
}

function read(pieces: readonly Buffer[], side: Side, understand: (text: string) => Understood): Reading {
  const reading: Reading = { messages: [], refusal: undefined };
  try {
    readPieces(pieces, side, understand, reading.messages);
  } catch (error) {
    if (!(error instanceof MessageFault)) throw error;
    reading.refusal = error.reason;
  }
  return reading;
}

function readPieces(
  pieces: readonly Buffer[],
  side: Side,
  understand: (text: string) => Understood,
  messages: ReadMessage[],
): void {
  const cutter = new HeadCutter({
    side,
    maxBytes: MAX_BYTES,
    skipsEmptyLine: side === 'request',
    checkFirstLine: side === 'request' ? checkRequestLine : checkStatusLine,
  });
  let message: ReadMessage | undefined;
  let body: ReturnType<typeof createBodyReader> | undefined;
  let isLast = false;
  for (const chunk of pieces) {
    for (let at = 0; at < chunk.length; ) {
      if (message && body) {
        at = body.advance(chunk, at);
        message.body += chunk.toString('latin1', body.from, body.to);
        message.isWhole = body.isComplete;
        if (!body.isComplete) continue;
      } else {
        if (isLast) return;
        at = cutter.push(chunk, at);
        if (at < 0) break;
        const { head, first, second, isLast: last } = understand(cutter.text);
        isLast = last;
        const { bodyBytes, minor, headers } = head;
        message = { first, second, version: `1.${minor}`, headers, body: '', isWhole: bodyBytes === 0 };
        messages.push(message);
        if (bodyBytes !== 0) {
          body = createBodyReader({ bodyBytes, side, maxTrailerBytes: MAX_BYTES, ...LIMITS });
          continue;
        }
      }
      message = undefined;
      body = undefined;
    }
  }
  body?.endConnection();
  if (message && body) message.isWhole = body.isComplete;
}
