import { type KeyObject, verify } from 'node:crypto';
import type { AgentAuth } from '../config/check-agents.ts';

/** The user of a valid token: its `sub`. Undefined for every other `Authorization`. */
export type AgentGuard = (authorization: string | undefined, nowMs: number) => string | undefined;

/** Checks JSON Web Tokens (RFC 7519) whose signature one of the keys verifies. */
export function createAgentGuard({ algorithm, keys }: AgentAuth): AgentGuard {
  return (authorization = '', nowMs) => {
    const [, head = '', claims = '', signature = ''] =
      /^Bearer +([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(authorization) ?? [];
    // A token with another algorithm is refused: `none`, or HS256 with the public key as its secret.
    if (parse(head)?.alg !== algorithm) return undefined;
    const data = Buffer.from(`${head}.${claims}`);
    if (!keys.some((key) => isSigned({ algorithm, key, data, signature }))) return undefined;
    const { sub, exp, nbf } = parse(claims) ?? {};
    const nowSeconds = nowMs / 1000;
    if (typeof exp !== 'number' || exp <= nowSeconds) return undefined;
    if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= nowSeconds)) return undefined;
    return typeof sub === 'string' && sub !== '' ? sub : undefined;
  };
}

interface Signed {
  readonly algorithm: AgentAuth['algorithm'];
  readonly key: KeyObject;
  readonly data: Buffer;
  readonly signature: string;
}

function isSigned({ algorithm, key, data, signature }: Signed): boolean {
  const bytes = Buffer.from(signature, 'base64url');
  // RFC 7518 3.4: the two numbers of ES256 have a fixed length and no DER around them.
  const form = algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' as const } : key;
  return verify('sha256', data, form, bytes);
}

function parse(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Not JSON: the token is not valid.
    return undefined;
  }
}
