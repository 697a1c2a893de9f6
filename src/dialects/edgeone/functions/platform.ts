import type { Exchange } from '../../../contract/exchange.ts';
import type { Project } from '../../../contract/project.ts';
import type { ConversationStore } from '../conversations/conversation-store.ts';
import { openConversations } from '../conversations/open-conversations.ts';
import { type Geo, toGeo } from './geo.ts';

/** Values of the context that are the same for every request of a site. */
export interface Platform {
  readonly env: Readonly<Record<string, string>>;
  /** REGION; '' if not set. */
  readonly region: string;
  /** The store of conversations for one request; undefined if the site is read but not served. `runId`: of an agent. */
  readonly openStore: (conversation: string, runId?: string) => ConversationStore | undefined;
}

/** The values for functions of a project. */
export function toPlatform({ env, region, kv, root, agentMessageBytes = 0 }: Project): Platform {
  const set = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const openStore = kv && openConversations(kv, { root, messageLimitBytes: agentMessageBytes });
  return {
    env: Object.fromEntries(set),
    region,
    openStore: (conversation, runId) => openStore?.(conversation, runId),
  };
}

/** The id of the conversation that a request belongs to; '' without one. */
export function conversationOf({ request }: Exchange): string {
  return request.get('makers-conversation-id') ?? request.get('conversation-id') ?? '';
}

/** `context.server`: the region that answers, and the request's id there. */
export interface ServerInfo {
  readonly region: string;
  readonly requestId: string;
}

/**
 * Reads headers of the platform's gateway. Unlike `eo-*`, they are not removed from the requests of
 * untrusted peers, so trust is checked here.
 */
export function serverOf({ request, client, requestId }: Exchange, { region }: Pick<Platform, 'region'>): ServerInfo {
  return {
    region: region || (client.trusted ? first(request, 'x-scf-region') : ''),
    requestId: (client.trusted && first(request, 'x-scf-request-id')) || requestId.value,
  };
}

const HEXADECIMAL = /^[0-9A-Fa-f]{32}$/;

/**
 * `EO-LOG-UUID`. Without EdgeOne in front: the request id, formatted as a UUID if it has 32
 * hexadecimal digits.
 */
export function uuidOf({ request, requestId }: Exchange): string {
  return first(request, 'eo-log-uuid') || toUuid(requestId.value);
}

/**
 * Slices, because a regular expression with five groups took a third of the time of the whole
 * context.
 */
function toUuid(id: string): string {
  if (!HEXADECIMAL.test(id)) return id;
  return `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`;
}

/** Empty unless a trusted peer sent the client's location. */
export function geoOf({ request }: Exchange): Geo {
  const text = request.get('eo-connecting-geo');
  return text === undefined ? {} : toGeo(text);
}

function first(request: Exchange['request'], name: string): string {
  return request.get(name) ?? '';
}
