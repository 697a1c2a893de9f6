import { createPublicKey, type KeyObject } from 'node:crypto';
import { nearestWord } from '../../../contract/nearest-word.ts';

/** Reports a mistake in the value at a path, as the rest of a sentence. */
type ReportPath = (path: string, message: string) => void;

/** `agents` of `edgeone.json`. */
export interface AgentSettings {
  /** Undefined: the setting AGENT_TIMEOUT applies. */
  readonly timeoutMs: number | undefined;
  /** Names of packages that may be missing when the agents are compiled. */
  readonly externalPackages: readonly string[];
  /** 'closed': there is a guard that cannot be checked. Undefined: the agents are public. */
  readonly auth: AgentAuth | 'closed' | undefined;
}

/** Bearer tokens that open the agents. */
export interface AgentAuth {
  readonly algorithm: 'RS256' | 'ES256';
  readonly keys: readonly KeyObject[];
}

export const AGENT_KEYS: readonly string[] = ['framework', 'timeout', 'sandbox', 'externalNodeModules', 'auth', 'mcp'];

/**
 * The guard in `agents.auth`. A mistake closes the agents, and is reported. `lost`: the path of a value that is most likely such a
 * guard in another place.
 */
export function checkAgentAuth(
  auth: unknown,
  lost: string | undefined,
  report: ReportPath,
): AgentAuth | 'closed' | undefined {
  const close = (path: string, mistake: string): 'closed' => {
    report(path, `${mistake}; the routes of agents answer 503`);
    return 'closed';
  };
  if (lost !== undefined) return close(lost, 'is not used, and may be meant as agents.auth');
  if (auth === undefined) return undefined;
  if (typeof auth !== 'object' || auth === null)
    return close('agents.auth', `must be an object, got ${JSON.stringify(auth)}`);
  const { type, algorithm = 'RS256', verificationKeys } = auth as Readonly<Record<string, unknown>>;
  if (type !== 'jwt') return close('agents.auth.type', `must be "jwt", got ${JSON.stringify(type) ?? 'nothing'}`);
  if (algorithm !== 'RS256' && algorithm !== 'ES256') {
    return close('agents.auth.algorithm', `must be "RS256" or "ES256", got ${JSON.stringify(algorithm)}`);
  }
  if (!Array.isArray(verificationKeys) || verificationKeys.length === 0) {
    return close('agents.auth.verificationKeys', 'must be a list of public keys in PEM');
  }
  const keys: KeyObject[] = [];
  for (const [index, text] of verificationKeys.entries()) {
    const key = toPublicKey(text, algorithm);
    if (typeof key === 'string') return close(`agents.auth.verificationKeys[${index}]`, key);
    keys.push(key);
  }
  return { algorithm, keys };
}

/** The path of a value that is most likely meant as `agents.auth`: below a misspelt key, or below another one. */
export function findLostAuth(root: Readonly<Record<string, unknown>>): string | undefined {
  const { agents, ...others } = root;
  if (agents !== undefined && !isTable(agents)) return hasKeys(agents) ? 'agents' : undefined;
  const inAgents = Object.entries(agents ?? {}).find(
    ([key, value]) => !AGENT_KEYS.includes(key) && (nearestWord(key, AGENT_KEYS) === 'auth' || hasKeys(value)),
  );
  if (inAgents) return `agents.${inAgents[0]}`;
  return Object.keys(others).find((key) => hasKeys(others[key]));
}

/** Whether a value has public keys of a guard, at any depth. */
function hasKeys(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([key, each]) => nearestWord(key, ['verificationKeys']) !== undefined || hasKeys(each),
  );
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The key, or what is wrong with it. */
function toPublicKey(text: unknown, algorithm: AgentAuth['algorithm']): KeyObject | string {
  try {
    const key = createPublicKey(String(text));
    const isFitting =
      algorithm === 'RS256'
        ? key.asymmetricKeyType === 'rsa'
        : key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    return isFitting ? key : `must be a key for ${algorithm}, got one of type ${key.asymmetricKeyType}`;
  } catch {
    // OpenSSL's message does not help, and the text of a key is not repeated in a log.
    return 'must be a public key in PEM';
  }
}
