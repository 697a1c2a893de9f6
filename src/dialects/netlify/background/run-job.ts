import { Readable } from 'node:stream';
import { Fault } from '../../../contract/fault.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import type { Run } from '../call/invocation.ts';
import type { JobInvocation } from './job-invocation.ts';

/**
 * Calls a function for whose answer nobody waits. Resolves when it has returned, whatever it returned, and its work behind that has settled;
 * rejects with what it threw.
 */
export async function runJob(run: Run, invocation: JobInvocation): Promise<void> {
  try {
    discard(await run(invocation));
  } catch (error) {
    // What a function returns is not looked at here, so nothing can be wrong with it.
    if (!(error instanceof Fault && error.code === 'function_bad_answer')) throw error;
  } finally {
    await invocation.settled();
  }
}

/** Whatever makes the body shall stop. */
function discard({ body }: WebResponse): void {
  if (body instanceof Readable) body.destroy();
  // What the function's own cancel() throws has nobody left to go to.
  else if (body instanceof ReadableStream && !body.locked) body.cancel().catch(() => {});
}
