import type { Project } from '../../../contract/project.ts';
import { awslambda } from './awslambda.ts';
import type { Context } from './context.ts';
import { answerPurges } from './purge-answers.ts';
import { requestStore } from './request-store.ts';

/** The type of the global `Netlify`. */
export interface NetlifyGlobal {
  /** The context of the call in which the calling code runs; null outside of any call. */
  readonly context: Context | null;
  /** The current environment variables of the process. */
  readonly env: NetlifyEnv;
}

export interface NetlifyEnv {
  get(name: string): string | undefined;
  /** False for an empty value too, as on the platform. */
  has(name: string): boolean;
  set(name: string, value: string): void;
  delete(name: string): void;
  toObject(): Record<string, string>;
}

/**
 * Defines the globals of the platform: `Netlify`, `awslambda`, and the store of `getContext()`.
 * Must run before user code loads. All sites in one process share them; a further call changes
 * nothing. `URLPattern`, which the platform adds, is built into Node.
 */
export function installGlobals({ processEnv, purging, env }: Pick<Project, 'processEnv' | 'purging' | 'env'>): void {
  answerPurges(purging, env.NETLIFY_PURGE_API_TOKEN);
  if (Reflect.get(globalThis, 'Netlify') instanceof NetlifyRuntime) return;
  for (const [name, value] of Object.entries({ Netlify: new NetlifyRuntime(processEnv), awslambda })) {
    // Writable, as a polyfill would define it, so that users' tests can replace it.
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

class NetlifyRuntime implements NetlifyGlobal {
  declare readonly context: Context | null;
  readonly env: NetlifyEnv;

  constructor(processEnv: NodeJS.ProcessEnv) {
    // An own enumerable property and the first one, because user code lists and spreads the global.
    Object.defineProperty(this, 'context', {
      get: () => requestStore().getStore()?.context ?? null,
      enumerable: true,
      configurable: true,
    });
    this.env = {
      get: (name) => processEnv[name],
      has: (name) => Boolean(processEnv[name]),
      set: (name, value) => {
        processEnv[name] = value;
      },
      delete: (name) => {
        delete processEnv[name];
      },
      toObject: () => ({ ...processEnv }) as Record<string, string>, // its entries are all set
    };
  }
}
