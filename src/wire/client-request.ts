import type { Socket } from 'node:net';
import type { BodySource, IncomingRequest } from '../contract/http-message.ts';
import { NO_BODY } from './client-body.ts';
import { checkHeader } from './head-text.ts';
import { RequestHead, type RequestHeadRules } from './request-head.ts';

/** Of the last line and the empty one. */
const END_LENGTH = '\r\n\r\n'.length;

/** A request as a client connection read it. */
export class ClientRequest extends RequestHead implements IncomingRequest {
  readonly socket: Socket;
  body: BodySource = NO_BODY;

  /** Throws a MessageFault; see RequestHead. */
  constructor(text: string, rules: RequestHeadRules, socket: Socket) {
    super(text, rules);
    this.socket = socket;
  }

  get headBytes(): number {
    return this.text.length + END_LENGTH;
  }

  replaceHeaders(headers: readonly string[]): void {
    for (let at = 0; at < headers.length; at += 2) checkHeader(headers[at] as string, headers[at + 1] as string); // pairs
    this.replaceList(headers);
  }
}
