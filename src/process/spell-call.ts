import { inspect } from 'node:util';

/** A call as source text: `process.kill(1, 'SIGTERM')`. */
export function spellCall(name: string, given: readonly unknown[]): string {
  const spelled = given
    .filter((each) => typeof each !== 'function')
    .map((each) => inspect(each, { depth: 0, breakLength: Infinity, maxStringLength: 100 }));
  return `${name}(${spelled.join(', ')})`;
}
