export { type Config, ConfigError, readConfig, SETTINGS, type SettingName, type Source } from './config.ts';
export { createEdge, type Edge } from './edge.ts';
export { Fault, type FaultCode, type FaultOrigin } from './fault.ts';
