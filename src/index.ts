/// <reference types="node" preserve="true" />
import './config/require-node.ts';

export { type Config, ConfigError, readConfig, type Source } from './config/config.ts';
export { SETTINGS, type SettingName } from './config/settings.ts';
export { Fault, type FaultCode, type FaultOrigin } from './contract/fault.ts';
export { createEdge, type Edge } from './edge.ts';
export {
  createMiddleware,
  type Middleware,
  type MiddlewareArguments,
  type MiddlewareOptions,
} from './embed/middleware.ts';
export type { HostLog } from './log/host-log.ts';
export { LogError } from './log/open.ts';
export { SiteError } from './site/folder.ts';
