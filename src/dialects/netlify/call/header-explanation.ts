import type { WebResponse } from '../../../http/web-response-head.ts';

export interface HeaderExplanation {
  /** For the log. */
  readonly message: string;
  readonly response: Response;
}

const BEYOND_LATIN1 = /[^\x00-\xff]/;

/**
 * What the platform answers in place of a Response with a header that no message can carry: words about it, since nothing else shows the author
 * which one it is. Undefined if every value is of Latin-1. Only the classes of packages and of users let such a value in.
 */
export function explainHeader({ headers }: WebResponse): HeaderExplanation | undefined {
  for (const [name, value] of headers) {
    if (!BEYOND_LATIN1.test(value)) continue;
    const message = `the header ${JSON.stringify(name)} of the Response has characters beyond Latin-1`;
    const advice =
      'Encode its value, for example with encodeURIComponent() or as base64, and decode it where it is read.';
    const text = `The function's answer cannot be sent: ${message}.\n${advice}\n`;
    return { message, response: new Response(text, { status: 500, headers: { 'cache-control': 'no-store' } }) };
  }
  return undefined;
}
