import type { Socket } from 'node:net';
import type { BodySource, IncomingRequest } from './currency.ts';
import type { RequestHead } from './request-head.ts';

/** A request as a client connection read it. */
export class ClientRequest implements IncomingRequest {
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
  readonly headers: readonly string[];
  readonly host: string | undefined;
  readonly connection: string | undefined;
  readonly upgrade: string | undefined;
  readonly body: BodySource;
  readonly socket: Socket;
  readonly #head: RequestHead;

  constructor(head: RequestHead, body: BodySource, socket: Socket) {
    this.#head = head;
    this.method = head.method;
    this.target = head.target;
    this.minor = head.minor;
    this.headers = head.headers;
    this.host = head.host;
    this.connection = head.connection;
    this.upgrade = head.upgrade;
    this.body = body;
    this.socket = socket;
  }

  get(name: string): string | undefined {
    return this.#head.get(name);
  }
}
