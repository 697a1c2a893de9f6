import { Fault } from '../../../contract/fault.ts';
import { WebRequest } from '../../../http/web-request.ts';
import { isWebResponse, writeWebResponse } from '../../../http/web-response.ts';
import { type App, type AppCall, toAppContext } from './app.ts';

/** Hono and its like: a Request in, a Response out. */
export interface Fetcher {
  fetch(request: Request, env: unknown): unknown;
}

/** An app of web standards. Its answer is streamed as bytes and keeps every cookie, where the platform sends text and the last cookie. */
export class FetchApp implements App {
  readonly #fetcher: Fetcher;

  constructor(fetcher: Fetcher) {
    this.#fetcher = fetcher;
  }

  async serve(call: AppCall): Promise<void> {
    const whole = new WebRequest(call.exchange);
    const request = new Request(new URL(call.url, whole.url), whole);
    const { env } = toAppContext(call);
    const answer = await call.limits.inTime(call.exchange, Promise.resolve(this.#fetcher.fetch(request, env)));
    if (!isWebResponse(answer)) throw new Fault('function_bad_answer', { message: 'the app returned no Response' });
    await writeWebResponse(call.exchange, answer);
  }
}
