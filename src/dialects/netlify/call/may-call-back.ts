/**
 * Whether a handler that returns no promise may still call back later. False only for a plain function that takes nothing but the event and so
 * has nothing to call: nobody has to wait for it. What cannot be seen in its text (bound, wrapped) may.
 */
export function mayCallBack(handler: (...parts: never[]) => unknown): boolean {
  if (handler.length > 1) return true;
  const text = Function.prototype.toString.call(handler);
  return !ONLY_EVENT.test(text) || /\barguments\b|\[native code\]/.test(text);
}

/** `() =>`, `event =>`, `(event) {`, `({ path, body }) =>`; not `(...all)`, nor defaults, behind which more parameters may stand. */
const ONLY_EVENT = /^(?:function\s*)?[\w$]*\s*\(\s*(?:[\w$]+|\{[^(){}=.]*\})?\s*,?\s*\)\s*(?:=>|\{)|^[\w$]+\s*=>/;
