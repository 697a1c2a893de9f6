import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import test from 'ava';
import { createAgentGuard } from '../../../../src/dialects/edgeone/agents/agent-guard.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const OTHER = generateKeyPairSync('rsa', { modulusLength: 2048 });
const EC = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const NOW_MS = Date.now();
const CLAIMS = { sub: 'user-1', exp: NOW_MS / 1000 + 600 };

const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function token(claims: object, key: KeyObject = RSA.privateKey, alg = 'RS256'): string {
  const data = `${encode({ alg, typ: 'JWT' })}.${encode(claims)}`;
  const form = alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' as const } : key;
  return `${data}.${sign('sha256', Buffer.from(data), form).toString('base64url')}`;
}

function withSecret(secret: string): string {
  const data = `${encode({ alg: 'HS256' })}.${encode(CLAIMS)}`;
  return `${data}.${createHmac('sha256', secret).update(data).digest('base64url')}`;
}

const REFUSED: Readonly<Record<string, string | undefined>> = {
  'no token': undefined,
  'another scheme': 'Basic dXNlcjpwYXNz',
  'another key': `Bearer ${token(CLAIMS, OTHER.privateKey)}`,
  'alg none': `Bearer ${encode({ alg: 'none' })}.${encode(CLAIMS)}.`,
  'alg none with a signature': `Bearer ${encode({ alg: 'none' })}.${encode(CLAIMS)}.AA`,
  'HS256 with the PEM as secret': `Bearer ${withSecret(pemOf(RSA.publicKey))}`,
  'an expired token': `Bearer ${token({ ...CLAIMS, exp: NOW_MS / 1000 - 1 })}`,
  'a token that is not valid yet': `Bearer ${token({ ...CLAIMS, nbf: NOW_MS / 1000 + 60 })}`,
  'no expiry': `Bearer ${token({ sub: 'user-1' })}`,
  'no sub': `Bearer ${token({ exp: CLAIMS.exp })}`,
  'a changed claim': `Bearer ${token(CLAIMS).replace(/\.[^.]+\./, `.${encode({ ...CLAIMS, sub: 'root' })}.`)}`,
  'no JSON': 'Bearer x.y.z',
};

test('agents.auth lets only requests with a valid token run the agent, whose user the token names', async (t) => {
  const auth = { type: 'jwt', verificationKeys: [pemOf(OTHER.publicKey), pemOf(RSA.publicKey)].slice(1) };
  const { url } = await startEdge(t, {
    site: await siteFolder(t, {
      'edgeone.json': JSON.stringify({ agents: { auth } }),
      'agents/chat.ts':
        'export const onRequest = ({ request }) => { globalThis.guardedRuns = (globalThis.guardedRuns ?? 0) + 1; return { user: request.headers["makers-user-id"] }; };',
      'cloud-functions/open.js': 'export const onRequest = ({ request }) => [...request.headers.keys()];',
    }),
    env: { TRUSTED_PROXIES: 'all' },
  });
  const ask = (path: string, authorization?: string): Promise<Response> =>
    fetch(url + path, {
      method: 'POST',
      headers: {
        'makers-user-id': 'forged',
        'edge-inner-user-id': 'forged',
        makers_user_id: 'forged',
        'Edge_Inner-User_Id': 'forged',
        ...(authorization !== undefined && { authorization }),
      },
    });

  for (const [title, authorization] of Object.entries(REFUSED)) {
    for (const path of ['/chat', '/chat/', '/chat/stop']) {
      const response = await ask(path, authorization);
      t.is(response.status, 401, `${title} ${path}`);
      t.like(await response.json(), { code: 'AGENT_UNAUTHORIZED' });
    }
  }
  t.is(Reflect.get(globalThis, 'guardedRuns'), undefined);
  t.deepEqual(await (await ask('/chat', `Bearer ${token(CLAIMS)}`)).json(), { user: 'user-1' });
  const seen = (await (await ask('/open')).json()) as string[];
  t.deepEqual(
    seen.filter((name) => /user.id/.test(name)),
    [],
  );
});

test('without agents.auth, agents are public, and get no user that a client names', async (t) => {
  const { url } = await startEdge(t, {
    site: await siteFolder(t, {
      'agents/chat.ts': 'export const onRequest = ({ request }) => Object.keys(request.headers);',
    }),
    env: { TRUSTED_PROXIES: 'all' },
  });

  const headers = {
    'makers-user-id': 'forged',
    'edge-inner-user-id': 'forged',
    makers_user_id: 'forged',
    'x-kept': '1',
  };
  const seen = (await (await fetch(`${url}/chat`, { method: 'POST', headers })).json()) as string[];

  t.deepEqual(
    seen.filter((name) => /user.id|x-kept/.test(name)),
    ['x-kept'],
  );
});

test('a token with ES256 opens agents of that algorithm only', (t) => {
  const guard = createAgentGuard({ algorithm: 'ES256', keys: [EC.publicKey] });

  t.is(guard(`Bearer ${token(CLAIMS, EC.privateKey, 'ES256')}`, NOW_MS), 'user-1');
  t.is(guard(`Bearer ${token(CLAIMS)}`, NOW_MS), undefined);
  t.is(
    guard(`Bearer ${token(CLAIMS, createPrivateKey(RSA.privateKey.export({ type: 'pkcs8', format: 'pem' })))}`, NOW_MS),
    undefined,
  );
});
