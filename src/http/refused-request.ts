import type { Socket } from 'node:net';
import { findHeader } from '../contract/header-list.ts';
import type { IncomingRequest } from '../contract/http-message.ts';
import { NO_BODY } from '../wire/client-body.ts';

const FIRST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^ ]+) HTTP\/1\.([01])$/;

/**
 * The readable parts of a request whose head was refused, for its error response and its line in the access log. No other code may act on it: it is
 * invalid, and possibly incomplete. `head`: as far as received, in latin1.
 */
export class RefusedRequest implements IncomingRequest {
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
  readonly hasUnderscoreName = true;
  readonly connection = undefined;
  readonly upgrade = undefined;
  readonly body = NO_BODY;
  readonly socket: Socket;
  readonly headBytes: number;
  headers: readonly string[];

  constructor(head: string, socket: Socket) {
    const [first = '', ...lines] = head.split('\r\n');
    const [, method = '-', target = '-', minor] = FIRST_LINE.exec(first) ?? [];
    this.method = method;
    this.target = target;
    this.minor = minor === '0' ? 0 : 1;
    this.socket = socket;
    this.headBytes = head.length;
    this.headers = lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return colon > 0 ? [line.slice(0, colon), line.slice(colon + 1).trim()] : [];
    });
  }

  get host(): string | undefined {
    return this.get('host');
  }

  get(name: string): string | undefined {
    return findHeader(this.headers, name);
  }

  replaceHeaders(headers: readonly string[]): void {
    this.headers = headers;
  }
}
