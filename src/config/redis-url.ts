import { Unfit } from './setting.ts';

/** A Redis, three or more Sentinels, or a Cluster. */
export interface RedisEndpoint {
  readonly mode: 'single' | 'sentinel' | 'cluster';
  /** At least one; several only for Sentinel and Cluster. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** Always 0 for a Cluster, which has no other database. */
  readonly database: number;
  /** Name of the group that the Sentinels watch; '' for others. */
  readonly group: string;
}

const REDIS = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/?#]+)(?:\/([^?#]*))?$/;

/**
 * Reads `redis://user:password@host:6379/0`, `rediss://` for TLS,
 * `redis+sentinel://a:26379,b:26379/group/0`, or `redis+cluster://a:6379,b:6379`; '' for none. User
 * and password are percent-encoded. Throws an `Unfit`.
 */
export function redisUrl(text: string): RedisEndpoint | undefined {
  if (text === '') return undefined;
  const [found, tls, kind, login = '', hosts = '', path = ''] = REDIS.exec(text) ?? [];
  const mode = (kind ?? 'single') as RedisEndpoint['mode']; // by the pattern
  const [group, database = ''] = mode === 'sentinel' ? path.split('/') : ['', path];
  const nodes = hosts.split(',').map((host) => toNode(host, mode === 'sentinel' ? 26_379 : 6379));
  const isFit =
    found !== undefined &&
    !nodes.includes(undefined) &&
    (mode !== 'single' || nodes.length === 1) &&
    (mode !== 'sentinel' || group !== '') &&
    (mode === 'cluster' ? path === '' : /^\d*$/.test(database ?? ''));
  if (!isFit) {
    throw new Unfit(
      'a URL such as "redis://host:6379/0", "rediss://user:password@host", "redis+sentinel://a:26379,b:26379/group" or "redis+cluster://a,b"',
    );
  }
  return {
    mode,
    nodes: nodes.filter((node) => node !== undefined),
    tls: tls === 's',
    ...toLogin(login),
    database: Number(database),
    group: group ?? '',
  };
}

function toNode(text: string, usualPort: number): RedisEndpoint['nodes'][number] | undefined {
  const url = URL.canParse(`redis://${text}`) ? new URL(`redis://${text}`) : undefined;
  if (url?.pathname !== '' || url.hostname === '') return undefined;
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || usualPort) };
}

function toLogin(login: string): Pick<RedisEndpoint, 'username' | 'password'> {
  const colon = login.indexOf(':');
  const [username, password] = colon < 0 ? ['', login] : [login.slice(0, colon), login.slice(colon + 1)];
  return {
    ...(username !== '' && { username: decode(username) }),
    ...(password !== '' && { password: decode(password) }),
  };
}

/** Text that is not percent-encoded is used as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A "%" without two hexadecimal digits.
    return text;
  }
}
