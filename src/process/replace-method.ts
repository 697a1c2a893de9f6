export type Method = (this: unknown, ...given: unknown[]) => unknown;

/**
 * Replaces a method. Returns a function that restores it, unless other code has replaced it again
 * since.
 */
export function replaceMethod(owner: object, name: string, toReplacement: (before: Method) => Method): () => void {
  const descriptor = Object.getOwnPropertyDescriptor(owner, name);
  const replacement = toReplacement(Reflect.get(owner, name) as Method); // callers pass names of methods only
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
