import { type Config, ConfigError, readConfig, type Source } from '../config/config.ts';
import { SETTINGS, type SettingName } from '../config/settings.ts';

/** What the server around a middleware decides, or what is about the next hop, which is `next` here. In the environment they may mean the host. */
const HOSTS: readonly SettingName[] = [
  ...(['PORT', 'HOST', 'NEXT_HOP', 'SERVER_CERT_PATH', 'SERVER_KEY_PATH', 'HEADER_LIMIT', 'BODY_LIMIT'] as const),
  ...(['MAX_CONNECTIONS', 'HEADERS_TIMEOUT', 'KEEP_ALIVE_TIMEOUT', 'CLIENT_IDLE_TIMEOUT'] as const),
  ...(['DRAIN_DELAY', 'READY_PATH', 'APPEND_FORWARDED_FOR', 'VIA', 'LOOP_LIMIT'] as const),
  ...(['HOP_CONNECT_TIMEOUT', 'HOP_FIRST_BYTE_TIMEOUT', 'HOP_IDLE_TIMEOUT', 'HOP_KEEP_ALIVE'] as const),
  ...(['HOP_LOOKUP_INTERVAL', 'HOP_CONNECTIONS', 'HOP_QUEUE', 'HOP_HEADER_LIMIT'] as const),
  ...(['PROXY_REGO_KEY', 'LIST_KEY_PREFIX', 'LIST_KEY_SUFFIX', 'REDIS_HOST', 'REDIS_PORT'] as const),
  ...(['MESSAGE_CLIENT_REGISTRATION_TIMEOUT_SECONDS', 'REDIS_BRPOP_TIMEOUT_SECONDS'] as const),
];

/** No log files, and of what happens only what somebody should know. */
const DEFAULTS = { LOG_DIR: '', LOG_LEVEL: 'warn' };

/**
 * The settings of a middleware: those given, then the environment's. Throws a ConfigError that names each bad one, and each given one that would do nothing
 * here; what the environment has of those is not looked at.
 */
export function readHostConfig({ flags = {}, ...source }: Omit<Source, 'defaults'>): Config {
  const useless = HOSTS.filter((name) => name in flags);
  if (useless.length > 0) {
    throw new ConfigError(
      useless.map((name) => `${name} does nothing in a middleware: it is for the server around it to decide`),
    );
  }
  const untouched = Object.fromEntries(HOSTS.map((name) => [name, SETTINGS[name].default]));
  const config = readConfig({ ...source, flags: { ...flags, ...untouched }, defaults: DEFAULTS });
  // It is one for the whole process, and the code of the host reads it, too.
  return Object.freeze({ ...config, nodeEnv: undefined });
}
