import { processEnv } from '../../../config/config.ts';
import { awslambda } from './awslambda.ts';
import type { Context } from './context.ts';
import { guardPurge } from './purge-guard.ts';
import { requestStore } from './request-store.ts';

/** The global of the platform. */
export interface NetlifyGlobal {
  /** Of the call that the asking code is part of; null outside of any. */
  readonly context: Context | null;
  /** The variables of the process, as they are at the time. */
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
 * Makes the globals of the platform, before code of users is loaded: `Netlify`, `awslambda`, and the store of `getContext()`. They know of no site, so that
 * several in one process share them; a further call changes nothing. `URLPattern`, which the platform adds, is Node's own.
 */
export function installGlobals(): void {
  guardPurge();
  for (const [name, value] of Object.entries({ Netlify: NETLIFY, awslambda })) {
    // As plain as a polyfill's: who mocks it in a test may replace it.
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

const ENV: NetlifyEnv = {
  get: (name: string) => processEnv()[name],
  has: (name: string) => Boolean(processEnv()[name]),
  set: (name: string, value: string) => {
    processEnv()[name] = value;
  },
  delete: (name: string) => {
    delete processEnv()[name];
  },
  toObject: () => ({ ...processEnv() }) as Record<string, string>, // it lists no variable that is unset
};

const NETLIFY: NetlifyGlobal = {
  get context() {
    return requestStore().getStore()?.context ?? null;
  },
  env: ENV,
};
