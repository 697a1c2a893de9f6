export type Method = (this: unknown, ...given: unknown[]) => unknown;

/** Puts another method in the place of one. Returns how to put that back, which does nothing when a third one was put on top since. */
export function replaceMethod(owner: object, name: string, toReplacement: (before: Method) => Method): () => void {
  const descriptor = Object.getOwnPropertyDescriptor(owner, name);
  const replacement = toReplacement(Reflect.get(owner, name) as Method); // the callers name methods alone
  Object.defineProperty(replacement, 'name', { value: name });
  Object.defineProperty(owner, name, {
    configurable: true,
    writable: true,
    enumerable: descriptor?.enumerable ?? false,
    value: replacement,
  });
  return () => {
    if (Reflect.get(owner, name) !== replacement) return;
    if (descriptor) Object.defineProperty(owner, name, descriptor);
    else Reflect.deleteProperty(owner, name);
  };
}
