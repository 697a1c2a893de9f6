import { hash } from 'node:crypto';

/** Section's message bus: its address, and the keys of this module. */
export interface MessageBusEndpoint {
  readonly host: string;
  readonly port: number;
  /** Key of the sorted set of registered modules. */
  readonly registrationKey: string;
  /** Key of the list to which messages for this module are pushed. */
  readonly listKey: string;
  readonly registerEveryMs: number;
  /** Time limit of one BRPOP. */
  readonly waitMs: number;
}

/** The settings of the bus, as the platform's own modules name them. */
export interface MessageBusSettings {
  readonly REDIS_HOST: string;
  readonly REDIS_PORT: string;
  readonly PROXY_REGO_KEY: string;
  readonly LIST_KEY_PREFIX: string;
  readonly LIST_KEY_SUFFIX: string;
  readonly MESSAGE_CLIENT_REGISTRATION_TIMEOUT_SECONDS: number;
  readonly REDIS_BRPOP_TIMEOUT_SECONDS: number;
}

/** These are used for nothing else, unlike REDIS_HOST and REDIS_PORT. */
const KEYS = ['PROXY_REGO_KEY', 'LIST_KEY_PREFIX', 'LIST_KEY_SUFFIX'] as const;
const NEEDED = ['REDIS_HOST', ...KEYS] as const;

export interface MessageBusReading {
  /** Undefined if none of KEYS is set. */
  readonly endpoint?: MessageBusEndpoint;
  /** What is missing or invalid if one of KEYS is set. */
  readonly complaints: readonly string[];
}

export function toMessageBusEndpoint(settings: MessageBusSettings): MessageBusReading {
  const given = KEYS.find((name) => settings[name] !== '');
  if (given === undefined) return { complaints: [] };
  const complaints = NEEDED.filter((name) => settings[name] === '').map(
    (name) => `${name} must be set where ${given} is, for Section's message bus`,
  );
  const { REDIS_PORT, LIST_KEY_PREFIX, LIST_KEY_SUFFIX } = settings;
  const port = /^\d{1,5}$/.test(REDIS_PORT) ? Number(REDIS_PORT) : 0;
  if (!(port >= 1 && port <= 65_535)) {
    complaints.push(`REDIS_PORT must be a whole number from 1 to 65535, got ${JSON.stringify(REDIS_PORT)}`);
  }
  if (complaints.length > 0) return { complaints };
  const endpoint = {
    host: settings.REDIS_HOST,
    port,
    registrationKey: settings.PROXY_REGO_KEY,
    // As in section-io/proxymessage.
    listKey: `${LIST_KEY_PREFIX}-${hash('sha1', LIST_KEY_SUFFIX, 'hex')}`,
    registerEveryMs: settings.MESSAGE_CLIENT_REGISTRATION_TIMEOUT_SECONDS * 1000,
    waitMs: settings.REDIS_BRPOP_TIMEOUT_SECONDS * 1000,
  };
  return { endpoint, complaints };
}
