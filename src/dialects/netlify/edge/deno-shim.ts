/** The name by which compiled edge functions know the shim. It is no global called `Deno`: packages would take this process for Deno. */
export const DENO = '__nexthop_deno';

/** Defines the shim for all edge functions of the process; a further call changes nothing. */
export function installDeno(processEnv: NodeJS.ProcessEnv): void {
  if (DENO in globalThis) return;
  Object.defineProperty(globalThis, DENO, { value: toDeno(processEnv) });
}

/**
 * `Deno` as far as it makes sense on Node; everything else throws when it is called, by its name, and not when it is imported or looked at. What is not here
 * may be set, as the runtime of Next.js sets `Deno.cwd`.
 */
function toDeno(processEnv: NodeJS.ProcessEnv): object {
  const env = Object.freeze({
    get: (name: string) => processEnv[name],
    has: (name: string) => processEnv[name] !== undefined,
    toObject: () => ({ ...processEnv }),
  });
  const version = Object.freeze({ deno: '2.0.0', v8: process.versions.v8, typescript: '' });
  // The same for all edge functions of the process, so none of them may replace these two.
  const there: object = Object.defineProperties({}, { env: { value: env }, version: { value: version } });
  return new Proxy(there, {
    get(target, name) {
      if (typeof name === 'symbol' || name in target) return Reflect.get(target, name);
      return () => {
        throw new Error(`Deno.${name} is not here: edge functions run on Node; Deno.env and Deno.version are there`);
      };
    },
  });
}
