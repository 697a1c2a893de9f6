/** A span without effect. */
const NO_SPAN = {
  setAttribute: () => NO_SPAN,
  setAttributes: () => NO_SPAN,
  addEvent: () => NO_SPAN,
  setStatus: () => NO_SPAN,
  recordException() {},
  end() {},
} as const;

/** `context.tracer` without a collector: its functions run, and nothing is recorded. */
export const NO_TRACER = {
  startSpan: (): typeof NO_SPAN => NO_SPAN,
  span<T>(_name: string, work: (span: typeof NO_SPAN) => T): T {
    return work(NO_SPAN);
  },
  event() {},
  setAttributes() {},
  recordException() {},
} as const;
