import { type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { IncomingRequest, NodeView, PairOwner } from '../contract/http-message.ts';
import { groupByName, type HeadArguments, headersOf, toFlat, toSettable } from '../wire/flat-headers.ts';
import { type Head, type NodeConnection, NodeResponse } from '../wire/node-response.ts';
import type { HostRequest } from './host-request.ts';

/** Of these headers the host's and the site's are both sent. */
const ADDED: ReadonlySet<string> = new Set(['set-cookie', 'vary']);

export interface HostResponseParts {
  readonly request: HostRequest;
  readonly response: ServerResponse;
  /** Default: the host's server. */
  readonly connection?: NodeConnection;
}

/**
 * The response of a host, on which the host has set headers and whose methods other libraries have wrapped.
 *
 * Headers are set one by one: some wrappers (`on-headers` before 1.1, used by `compression` and
 * session libraries) misread a flat array. `Set-Cookie` and `Vary` are added to the host's. An
 * error response keeps the host's headers, e.g. for security or CORS.
 */
export class HostResponse extends NodeResponse {
  readonly #request: HostRequest;
  readonly #hostHeaders: OutgoingHttpHeaders;
  #isHosts = false;

  constructor({ request, response, connection = new HostConnection(request, response) }: HostResponseParts) {
    super({ request, response, connection });
    this.#request = request;
    this.#hostHeaders = response.getHeaders();
    response.once('close', this.#onClose);
  }

  override toNode(_request: IncomingRequest, target: string, owner: PairOwner): NodeView {
    const { response } = this;
    this.ownedBy(owner);
    this.#request.show(target, owner);
    const pair = { request: this.#request.message, response, mute: (onLate?: () => void) => this.mute(onLate) };
    return { pair, request: this.#request, response: this };
  }

  /** The response belongs to the host again, except for rules of the site that change heads. */
  giveBack(): void {
    this.#isHosts = true;
    this.takeOff();
    this.response.off('close', this.#onClose);
  }

  override finishHead(head: HeadArguments): HeadArguments {
    const given = super.finishHead(head);
    const headers = headersOf(given);
    if (this.#isHosts || headers === undefined) return given;
    const { response } = this;
    for (const [name, values] of groupByName(toFlat(headers))) {
      const all = ADDED.has(name.toLowerCase()) ? [...toList(response.getHeader(name)), ...values] : values;
      response.setHeader(name, toSettable([...new Set(all)]));
    }
    const [status, reason] = given;
    return typeof reason === 'string' ? [status, reason] : [status];
  }

  protected override writeHead({ status, reason, headers }: Head): void {
    const { response } = this;
    for (const name of response.getHeaderNames()) if (!(name in this.#hostHeaders)) response.removeHeader(name);
    for (const [name, value] of Object.entries(this.#hostHeaders)) {
      if (value !== undefined) response.setHeader(name, value);
    }
    response.writeHead(status, reason, headers as string[]); // it is only read
  }

  readonly #onClose = (): void => {
    this.#request.body.release();
    // Bytes on a connection that was taken over are not part of the response.
    this.close(this.response.writableFinished || this.status === 101);
  };
}

function toList(value: number | string | string[] | undefined): string[] {
  return value === undefined ? [] : [value].flat().map(String);
}

/** The server of the host. */
class HostConnection implements NodeConnection {
  readonly #request: HostRequest;
  readonly #response: ServerResponse;

  constructor(request: HostRequest, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  decideKeepAlive(): boolean {
    return true;
  }

  /** With pipelining, the response in front of it on the connection may still be written, and must not be cut. */
  cut(byReset: boolean): void {
    const response = this.#response;
    if (response.socket || this.#request.socket.destroyed) {
      this.#cut(byReset);
      return;
    }
    // node:http calls assignSocket when it is the turn of this response. It forgets a response that
    // was destroyed earlier.
    response.assignSocket = (socket) => {
      ServerResponse.prototype.assignSocket.call(response, socket);
      this.#cut(byReset);
    };
  }

  takeOver(): never {
    throw new Error('a request that is no upgrade was taken over');
  }

  #cut(byReset: boolean): void {
    const { socket } = this.#request;
    try {
      if (byReset) socket.resetAndDestroy();
      else socket.destroy();
    } catch {
      // Only plain TCP can be reset. On a TLS connection the missing close_notify shows the cut.
      socket.destroy();
    }
  }
}
