import type { Exports } from '../../loader/compile.ts';
import type { Declaration } from '../find/declaration.ts';
import type { Run } from './invocation.ts';
import { toLambdaRun } from './lambda-run.ts';
import { toModernRun } from './modern-run.ts';
import type { Platform } from './platform.ts';

/** What calls the function of a module, by what that really exports: a `handler` comes before a default export. */
export function toFunctionRun(exports: Exports, { name, file, generation }: Declaration, platform: Platform): Run {
  // An app that is the default export of a modern function may have a `handler` of its own, for other servers.
  if (generation === 'modern' && exports.handler === undefined) return toModernRun(exports, platform);
  return toLambdaRun(exports, { name, file, platform }) ?? toModernRun(exports, platform);
}

/** Whether a module exports anything that could be a function; if not, each request fails, as on the platform. */
export function hasFunction({ handler, default: standard }: Exports): boolean {
  return handler !== undefined || standard !== undefined;
}
