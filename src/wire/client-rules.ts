import type { Socket } from 'node:net';
import type { Deadlines, Watched } from '../contract/deadlines.ts';
import type { RequestHandler } from '../contract/http-message.ts';
import type { HeadCutterOptions } from './head-cutter.ts';
import type { HeldResponses } from './held-responses.ts';
import type { HttpDate } from './http-date.ts';
import type { RequestHeadRules } from './request-head.ts';

/** State that all client connections of one server share. */
export interface ClientRules extends RequestHeadRules {
  readonly handler: RequestHandler;
  readonly maxHeadBytes: number;
  readonly cutting: HeadCutterOptions;
  readonly date: HttpDate;
  readonly held: HeldResponses;
  /** The Connection lines of a response after which the connection stays open. */
  readonly keepAliveLines: string;
  readonly keepAliveMs: number;
  readonly deadlines: Deadlines;
  readonly headTicks: number;
  readonly keepAliveTicks: number;
  readonly idleTicks: number;
  readonly lingerTicks: number;
  readonly maxLingerTicks: number;
  readonly list: ConnectionList;
}

export interface ListedConnection extends Watched {
  readonly socket: Socket;
  /** No request is in progress, and no part of one has arrived. */
  readonly isIdle: boolean;
  /** Closes the connection, without a reset, if it is idle. */
  closeIfIdle(): void;
}

/** The open connections of one server. */
export interface ConnectionList {
  /** Each response has `Connection: close`. */
  readonly isDraining: boolean;
  /** A connection that becomes idle closes at once. */
  readonly mayCloseIdle: boolean;
  add(connection: ListedConnection): void;
  /** Idempotent. */
  remove(connection: ListedConnection): void;
}
