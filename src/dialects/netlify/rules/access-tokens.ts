import { createHmac, timingSafeEqual } from 'node:crypto';

/** Clocks of the issuer and of this machine may differ by this. */
const CLOCK_SKEW_S = 60;

/** The path of the claim with the roles, as on the platform. */
const ROLES = 'app_metadata.authorization.roles';

/**
 * Reads the roles of a client from its access token: a JWT with HS256. Without a secret no token is
 * valid. No other algorithm is accepted, whatever the token names.
 */
export class AccessTokens {
  readonly #secret: string;
  readonly #claim: readonly string[];

  /** `secret`: '' for none. `claim`: the path of the claim with the roles, with dots between names. */
  constructor(secret: string, claim = ROLES) {
    this.#secret = secret;
    this.#claim = claim.split('.');
  }

  get hasSecret(): boolean {
    return this.#secret !== '';
  }

  /** The roles of the token; none if it is not valid now. */
  rolesOf(token: string): readonly unknown[] {
    if (this.#secret === '' || token === '') return [];
    const [header = '', payload = '', signature = '', ...more] = token.split('.');
    if (more.length > 0 || toObject(header)?.alg !== 'HS256') return [];
    const expected = createHmac('sha256', this.#secret).update(`${header}.${payload}`).digest();
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return [];
    const claims = toObject(payload);
    if (!claims || !isNow(claims)) return [];
    const roles = this.#claim.reduce<unknown>((value, name) => Object(value)[name], claims);
    return Array.isArray(roles) ? roles : [];
  }
}

/** A token without `exp` never ends. */
function isNow({ exp, nbf }: Readonly<Record<string, unknown>>): boolean {
  const nowS = Date.now() / 1000;
  if (exp !== undefined && !(typeof exp === 'number' && exp > nowS - CLOCK_SKEW_S)) return false;
  return nbf === undefined || (typeof nbf === 'number' && nbf < nowS + CLOCK_SKEW_S);
}

function toObject(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    // A client may send any text.
    return undefined;
  }
}
