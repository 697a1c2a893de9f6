import type { Plugin } from 'esbuild';
import { isOwnCall } from './resolver.ts';

/** Packages of platforms that nexthop itself provides: their names, and what they export. */
const PROVIDED: ReadonlyMap<string, readonly string[]> = new Map([
  [
    '@edgeone/pages-blob',
    [
      ...['getStore', 'listStores', 'Store', 'PagesBlobError', 'PreconditionFailedError'],
      ...['QuotaExceededError', 'RateLimitedError'],
    ],
  ],
]);

/** The global property with the exports of provided modules, by name. */
const HOLDER = 'nexthop.provided-modules';

/** Sets the exports of a provided module, for code that is loaded from now on. */
export function provideModule(name: string, exports: object): void {
  const key = Symbol.for(HOLDER);
  const held = Reflect.get(globalThis, key) as Map<string, object> | undefined;
  if (held) held.set(name, exports);
  else Object.defineProperty(globalThis, key, { value: new Map([[name, exports]]) });
}

/** Lets imports of these packages, installed or not, load what nexthop provides. */
export const providedModules: Plugin = {
  name: 'provided modules',
  setup(build) {
    // Names of packages have no character with a meaning in a regular expression but "." and "-".
    const filter = new RegExp(`^(?:${[...PROVIDED.keys()].join('|').replaceAll('.', '\\.')})$`);
    build.onResolve({ filter }, (args) => (isOwnCall(args) ? undefined : { path: args.path, namespace: 'provided' }));
    build.onLoad({ filter: /./, namespace: 'provided' }, ({ path }) => {
      const names = PROVIDED.get(path) ?? [];
      const holder = `globalThis[Symbol.for(${JSON.stringify(HOLDER)})]`;
      return {
        contents: `const provided = ${holder}?.get(${JSON.stringify(path)}) ?? {};
          ${names.map((name) => `export const ${name} = provided.${name};`).join('\n')}
          export default provided;`,
      };
    });
  },
};
