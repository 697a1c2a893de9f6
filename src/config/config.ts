import { resolve } from 'node:path';
import { nearestWord } from '../contract/nearest-word.ts';
import { UserError } from '../contract/user-error.ts';
import { type MessageBusEndpoint, type MessageBusSettings, toMessageBusEndpoint } from './message-bus-endpoint.ts';
import { findMisspeltSettings, toComplaint } from './misspelt-settings.ts';
import type { Setting } from './setting.ts';
import * as kind from './setting.ts';
import { SETTINGS, type SettingName } from './settings.ts';

/** The value of every setting, by its name, plus the site; frozen. */
export type Config = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer T> ? T : never;
} & {
  /** Absolute path of the site. */
  readonly site: string;
  /** Undefined where none is set. */
  readonly messageBus: MessageBusEndpoint | undefined;
  /** Absolute paths; undefined where none is set. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
  /** The variables a function may see: those of the process, before a site adds its own. */
  readonly functionEnv: Readonly<Record<string, string | undefined>>;
  /** Names of the settings that the environment or a flag sets. */
  readonly given: ReadonlySet<string>;
  /** What each setting was read from, by its name. */
  readonly sources: ReadonlyMap<string, SettingSource>;
  /** `NODE_ENV` for the code of the site, where neither the process nor the site sets it. Undefined: the program around nexthop decides. */
  readonly nodeEnv: 'production' | 'development' | undefined;
};

/** The text of a setting, without a login, and where it stood. */
export interface SettingSource {
  readonly text: string;
  readonly from: 'flag' | 'environment' | 'command' | 'default';
}

/** All bad settings at once; the message has a line for each. */
export class ConfigError extends UserError {
  override readonly name = 'ConfigError';
  readonly complaints: readonly string[];

  constructor(complaints: readonly string[]) {
    super(complaints.join('\n'));
    this.complaints = complaints;
  }

  override get isOfSetting(): boolean {
    return true;
  }
}

export interface Source {
  /** Default: the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Settings given as flags. They have priority over the environment. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Default: the current folder. */
  readonly site?: string;
  /** Replace the usual defaults, for a server that is started in another way. */
  readonly defaults?: Readonly<Partial<Record<SettingName, string>>>;
}

/** Reads every setting. Throws one ConfigError that names each bad one with its value and what is expected. */
export function readConfig({ env = process.env, flags = {}, site = '.', defaults = {} }: Source = {}): Config {
  const complaints: string[] = [];
  const values: Record<string, unknown> = {};
  const sources = new Map<string, SettingSource>();
  for (const [name, { kind: read, default: fallback }] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const { text, from } = find(name, { flags, env, defaults }) ?? { text: fallback, from: 'default' };
    sources.set(name, { text: kind.withoutLogin(text), from });
    try {
      values[name] = read(text);
    } catch (error) {
      if (!(error instanceof kind.Unfit)) throw error;
      complaints.push(`${name} must be ${error.message}, got ${JSON.stringify(kind.withoutLogin(text))}`);
    }
  }
  for (const name of Object.keys(flags)) {
    if (name in SETTINGS) continue;
    const nearest = nearestWord(name, Object.keys(SETTINGS));
    complaints.push(`${name} is no setting; ${nearest ? `did you mean ${nearest}?` : 'docs/settings.md lists them'}`);
  }
  // Read above, each by its own kind; of those that failed nothing is used.
  const bus = toMessageBusEndpoint(values as unknown as MessageBusSettings);
  complaints.push(...bus.complaints);
  const [cert, key] = [String(values.SERVER_CERT_PATH), String(values.SERVER_KEY_PATH)];
  if ((cert === '') !== (key === '')) {
    complaints.push(
      'SERVER_CERT_PATH and SERVER_KEY_PATH must both be set for TLS, or neither; one alone does nothing',
    );
  }
  const given = new Set([...Object.keys(flags), ...Object.keys(env)].filter((name) => name in SETTINGS));
  if (complaints.length > 0) {
    const misspelt = findMisspeltSettings(env, { given });
    throw new ConfigError([...complaints, ...misspelt.map(toComplaint)]);
  }

  const root = resolve(site);
  values.DATA_DIR = values.DATA_DIR ? resolve(String(values.DATA_DIR)) : resolve(root, '.nexthop');
  values.LOG_DIR = values.LOG_DIR ? resolve(String(values.LOG_DIR)) : '';
  const certificate = cert === '' ? undefined : { cert: resolve(cert), key: resolve(key) };
  const found = {
    site: root,
    messageBus: bus.endpoint,
    certificate,
    functionEnv: { ...env },
    sources,
    given,
    // Frameworks take its absence for development, and show their stacks to clients then.
    nodeEnv: values.DEV ? 'development' : 'production',
  };
  // Every name of SETTINGS has been read by its own kind, which the loop cannot express.
  return Object.freeze({ ...values, ...found }) as unknown as Config;
}

/** By priority. Undefined: it has its usual default. */
function find(name: string, { flags, env, defaults }: Required<Omit<Source, 'site'>>): SettingSource | undefined {
  const texts = { flag: flags[name], environment: env[name], command: (defaults as Source['flags'])?.[name] };
  for (const from of ['flag', 'environment', 'command'] as const) {
    const text = texts[from];
    if (text !== undefined) return { text, from };
  }
  return undefined;
}

/** The variables of a site's `.env` in the environment of this process, because code of sites reads `process.env`. */
export class SiteEnv {
  /** All variables of the site, including those that the process had itself. */
  values: Readonly<Record<string, string>> = {};
  #added: Readonly<Record<string, string>> = {};

  /** Replaces the variables of the previous `.env`. Variables of the process, and variables that were changed since, stay. */
  exchange(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(this.#added)) {
      if (process.env[name] === value) delete process.env[name];
    }
    const added = Object.entries(values).filter(([name]) => isUnset(name));
    for (const [name, value] of added) process.env[name] = value;
    this.#added = Object.fromEntries(added);
    this.values = values;
  }
}

/** Frameworks read an empty NODE_ENV as none. */
function isUnset(name: string): boolean {
  return process.env[name] === undefined || (name === 'NODE_ENV' && process.env.NODE_ENV === '');
}

/**
 * The variables of the process, to be read and written: platforms hand their functions accessors, and promise that these and `process.env` are one. No
 * setting of nexthop's own is read from here.
 */
export function processEnv(): NodeJS.ProcessEnv {
  return process.env;
}
