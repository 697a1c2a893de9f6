import type { ServerResponse } from 'node:http';

/** The methods that change a response or send a part of it. */
const SETTERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader', 'addTrailers', 'flushHeaders'] as const;
const INTERIM = ['writeContinue', 'writeProcessing', 'writeEarlyHints'] as const;

/**
 * For a complete response that a timed-out app still holds and may write to. Node would throw at a
 * late `setHeader` and emit an unhandled 'error' at a late `write`. From now on these methods do
 * nothing. `onLate` is called once, at the first late write.
 */
export function muteResponse(response: ServerResponse, onLate: () => void): void {
  let isReported = false;

  function ignore(...given: unknown[]): void {
    if (!isReported) onLate();
    isReported = true;
    const done = given.at(-1);
    // Call the callback, so that code which waits for its chunk does not wait forever.
    if (typeof done === 'function') process.nextTick(done);
  }

  function itself(): ServerResponse {
    return response;
  }

  for (const name of SETTERS) response[name] = itself as never; // as if it had worked
  for (const name of INTERIM) response[name] = () => undefined;
  response.writeHead = itself;
  response.write = (...given: unknown[]) => {
    ignore(...given);
    return true;
  };
  response.end = (...given: unknown[]) => {
    ignore(...given);
    return response;
  };
}
