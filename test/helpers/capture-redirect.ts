import type { Exchange } from '../../src/contract/exchange.ts';
import type { Router } from '../../src/contract/route.ts';

export interface CapturedRequest {
  readonly target: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What the first route that answers redirects to; undefined if all pass. Without a connection, for very many requests. */
export async function captureRedirect(
  router: Router,
  { target, headers }: CapturedRequest,
): Promise<{ readonly status: number; readonly location: string } | undefined> {
  let captured: { readonly status: number; readonly location: string } | undefined;
  // Only what a redirect reads and writes.
  const exchange = {
    target,
    request: {
      method: 'GET',
      host: 'a',
      headers: Object.entries(headers).flat(),
      get: (name: string) => headers[name],
    },
    client: { proto: 'http' },
    requestId: { name: 'x-request-id', value: '1' },
    response: { end() {} },
    writeHead(status: number, _reason: string, fields: readonly string[]) {
      captured = { status, location: fields[fields.indexOf('Location') + 1] ?? '' };
    },
  } as unknown as Exchange;
  for (const { route, params } of router.find('GET', target)) {
    if ((await route.target.answer(exchange, params)) === 'answered') return captured;
  }
  return undefined;
}
