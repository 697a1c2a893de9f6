export { type Config, ConfigError, readConfig, SETTINGS, type SettingName, type Source } from './config.ts';
export { createEdge, type Edge } from './edge.ts';
export { Fault, type FaultCode, type FaultOrigin } from './fault.ts';
export type { HostLog } from './log/host-log.ts';
export { LogError } from './log/open.ts';
export { createMiddleware, type Middleware, type MiddlewareArguments, type MiddlewareOptions } from './middleware.ts';
export { SiteError } from './site/folder.ts';
