/// <reference types="node" preserve="true" />
import './config/require-node.ts';

export { type Config, ConfigError, readConfig, type Source } from './config/config.ts';
export { SETTINGS, type SettingName } from './config/settings.ts';
export { Fault, type FaultCode, type FaultOrigin } from './contract/fault.ts';
export { type HostLog, LogError } from './contract/log.ts';
export { SiteError } from './contract/project.ts';
export { createEdge, type Edge } from './edge.ts';
export {
  createMiddleware,
  type Middleware,
  type MiddlewareArguments,
  type MiddlewareOptions,
} from './embed/middleware.ts';
