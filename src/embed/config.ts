import { type Config, ConfigError, readConfig, type Source } from '../config/config.ts';
import { SETTINGS, type SettingName } from '../config/settings.ts';

/**
 * Settings that the host server decides, or that are about the next hop, which is `next` in a
 * middleware. In the environment they may be meant for the host.
 */
const HOSTS: readonly SettingName[] = [
  ...([
    'PORT',
    'HOST',
    'NEXT_HOP',
    'SERVER_CERT_PATH',
    'SERVER_KEY_PATH',
    'HEADER_LIMIT',
    'HEADER_COUNT',
    'BODY_LIMIT',
  ] as const),
  ...(['MAX_CONNECTIONS', 'HEADERS_TIMEOUT', 'KEEP_ALIVE_TIMEOUT', 'CLIENT_IDLE_TIMEOUT'] as const),
  ...(['DRAIN_DELAY', 'READY_PATH', 'APPEND_FORWARDED_FOR', 'VIA', 'LOOP_LIMIT'] as const),
  ...(['HOP_CONNECT_TIMEOUT', 'HOP_FIRST_BYTE_TIMEOUT', 'HOP_IDLE_TIMEOUT', 'HOP_KEEP_ALIVE'] as const),
  ...(['HOP_LOOKUP_INTERVAL', 'HOP_CONNECTIONS', 'HOP_QUEUE', 'HOP_HEADER_LIMIT'] as const),
  ...(['PROXY_REGO_KEY', 'LIST_KEY_PREFIX', 'LIST_KEY_SUFFIX', 'REDIS_HOST', 'REDIS_PORT'] as const),
  ...(['MESSAGE_CLIENT_REGISTRATION_TIMEOUT_SECONDS', 'REDIS_BRPOP_TIMEOUT_SECONDS'] as const),
];

/** No log files, and only warnings and errors. */
const DEFAULTS = { LOG_DIR: '', LOG_LEVEL: 'warn' };

/**
 * The settings of a middleware: the given ones, then the environment's. Throws a ConfigError that
 * names each invalid one, and each given one that has no effect in a middleware. The environment's
 * values of those are ignored.
 */
export function readHostConfig({ flags = {}, ...source }: Omit<Source, 'defaults'>): Config {
  const withoutEffect = HOSTS.filter((name) => name in flags);
  if (withoutEffect.length > 0) {
    throw new ConfigError(
      withoutEffect.map(
        (name) => `${name} has no effect in a middleware: the host server decides it; remove it from settings`,
      ),
    );
  }
  const defaultValues = Object.fromEntries(HOSTS.map((name) => [name, SETTINGS[name].default]));
  const config = readConfig({ ...source, flags: { ...flags, ...defaultValues }, defaults: DEFAULTS });
  // NODE_ENV belongs to the whole process; the host's code reads it too, so it is not changed.
  return Object.freeze({ ...config, nodeEnv: undefined });
}
