import { STATUS_CODES } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import { refuseAccess } from './page-access.ts';
import { DEV_PATH } from './page-path.ts';

/** Name of the target that answers them, in the logs. */
export const DEV_PAGE = 'nexthop dev';

/** Answers the requests below DEV_PATH. */
export class DevPage {
  /** Counts the readings of the site. */
  generation = 1;

  /** False for requests that are none of its own. */
  answer(exchange: Exchange): boolean {
    const [path = ''] = exchange.askedTarget.split('?', 1);
    if (path !== DEV_PATH && !path.startsWith(`${DEV_PATH}/`)) return false;
    exchange.answeredBy = DEV_PAGE;
    const refusal = refuseAccess(exchange);
    if (refusal !== undefined) send(exchange, { status: 403, text: `${DEV_PATH} ${refusal}\n` });
    else if (path === `${DEV_PATH}/generation`) send(exchange, { text: String(this.generation) });
    else send(exchange, { status: 404, text: 'there is no such page\n' });
    return true;
  }
}

interface Sent {
  readonly status?: number;
  readonly type?: string;
  readonly text: string;
}

function send(exchange: Exchange, { status = 200, type = 'text/plain; charset=utf-8', text }: Sent): void {
  exchange.contentType = type;
  exchange.writeHead(status, STATUS_CODES[status] ?? '', [
    ...['Content-Type', type, 'Content-Length', String(Buffer.byteLength(text)), 'Cache-Control', 'no-store'],
    // No page of another site may show it in a frame, read it or guess its type.
    ...['X-Frame-Options', 'DENY', 'Cross-Origin-Resource-Policy', 'same-origin', 'X-Content-Type-Options', 'nosniff'],
  ]);
  exchange.response.end(text);
}
