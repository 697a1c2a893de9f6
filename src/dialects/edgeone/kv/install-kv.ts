import type { Project } from '../../../contract/dialect.ts';
import type { Problem } from '../../../contract/problem.ts';
import { KvBinding } from './kv-binding.ts';

/**
 * Makes each namespace of KV storage a global of its name, as the platform does, for all code of the site, functions of other platforms too. At once, so that
 * it is there before any of that is loaded. A name that is taken stays what it is, and that is told.
 */
export function installKv({ kvBindings = [], kv }: Project): readonly Problem[] {
  return kvBindings.flatMap((name) => {
    const before: unknown = Reflect.get(globalThis, name);
    if (name in globalThis && !(before instanceof KvBinding)) return [toProblem(name)];
    // In a room of its own: others keep values by names of their choice, too.
    const value = new KvBinding(name, kv?.(`edgeone:${name}`));
    Object.defineProperty(globalThis, name, { value, configurable: true, enumerable: true, writable: true });
    return [];
  });
}

function toProblem(name: string): Problem {
  const message = `KV_BINDINGS: ${name} is a global already, and stays what it is; bind the namespace to another name`;
  return { severity: 'warning', file: '', message };
}
