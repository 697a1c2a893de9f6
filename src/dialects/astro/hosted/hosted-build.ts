import type { FunctionLimits } from '../../../http/function-limits.ts';
import type { Handler } from './handler-call.ts';
import type { Manifest } from './manifest.ts';

/** A build that runs here. */
export interface HostedBuild {
  /** Its entry, relative to the site. */
  readonly name: string;
  readonly handler: Handler;
  /** One for standalone use knows no `next`: what it does not find it answers itself. */
  readonly mode: 'middleware' | 'standalone';
  /** Absolute path of the folder of its files. */
  readonly client: string;
  /** The loop in which it writes waits for slow clients. */
  readonly isPaced: boolean;
  /** Undefined where nothing is known of it. */
  readonly manifest: Manifest | undefined;
  readonly limits: FunctionLimits;
}
