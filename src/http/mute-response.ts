import type { ServerResponse } from 'node:http';

/** All that changes an answer or sends some of it. */
const SETTERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader', 'addTrailers', 'flushHeaders'] as const;
const INTERIM = ['writeContinue', 'writeProcessing', 'writeEarlyHints'] as const;

/**
 * For a response whose answer is complete while somebody still holds it who will write his own: an app that was given up. Node would
 * throw at a late `setHeader`, and emit an error that nobody listens to at a late `write`. From now on all of that does nothing.
 * `onLate` is called once, with the first attempt to answer.
 */
export function muteResponse(response: ServerResponse, onLate: () => void): void {
  let told = false;

  function answer(...given: unknown[]): void {
    if (!told) onLate();
    told = true;
    const done = given.at(-1);
    // Whoever waits for his chunk to be written would wait for ever.
    if (typeof done === 'function') process.nextTick(done);
  }

  function itself(): ServerResponse {
    return response;
  }

  for (const name of SETTERS) response[name] = itself as never; // as if it had worked
  for (const name of INTERIM) response[name] = () => undefined;
  response.writeHead = itself;
  response.write = (...given: unknown[]) => {
    answer(...given);
    return true;
  };
  response.end = (...given: unknown[]) => {
    answer(...given);
    return response;
  };
}
