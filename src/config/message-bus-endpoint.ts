import { hash } from 'node:crypto';

/** Section's message bus: where it is, and under which keys this module is known there. */
export interface MessageBusEndpoint {
  readonly host: string;
  readonly port: number;
  /** Of the sorted set in which those who listen are registered. */
  readonly registrationKey: string;
  /** Of the list to which messages for this module are pushed. */
  readonly listKey: string;
  readonly registerEveryMs: number;
  /** One wait for a message. */
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

/** Nobody sets one of these for anything else, unlike the two that say where some Redis is. */
const KEYS = ['PROXY_REGO_KEY', 'LIST_KEY_PREFIX', 'LIST_KEY_SUFFIX'] as const;
const NEEDED = ['REDIS_HOST', ...KEYS] as const;

export interface MessageBusReading {
  /** Undefined where none is set. */
  readonly place?: MessageBusEndpoint;
  /** What is missing or bad where one is. */
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
  const place = {
    host: settings.REDIS_HOST,
    port,
    registrationKey: settings.PROXY_REGO_KEY,
    // As section-io/proxymessage has it.
    listKey: `${LIST_KEY_PREFIX}-${hash('sha1', LIST_KEY_SUFFIX, 'hex')}`,
    registerEveryMs: settings.MESSAGE_CLIENT_REGISTRATION_TIMEOUT_SECONDS * 1000,
    waitMs: settings.REDIS_BRPOP_TIMEOUT_SECONDS * 1000,
  };
  return { place, complaints };
}
