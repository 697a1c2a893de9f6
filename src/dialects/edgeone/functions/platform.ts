import type { Exchange } from '../../../contract/exchange.ts';
import { type Geo, toGeo } from './geo.ts';

/** What EdgeOne tells functions beside the request; the same for every request of a site. */
export interface Platform {
  readonly env: Readonly<Record<string, string>>;
  /** REGION; '' if not set. */
  readonly region: string;
}

/** The place that answers, and the request's id there. */
export interface ServerInfo {
  readonly region: string;
  readonly requestId: string;
}

/** Fields of the platform's own gateway. Nobody takes them from untrusted peers' requests before, unlike `eo-*`. */
export function serverOf({ request, client, requestId }: Exchange, { region }: Platform): ServerInfo {
  const { headers } = request;
  return {
    region: region || (client.trusted ? one(headers['x-scf-region']) : ''),
    requestId: (client.trusted && one(headers['x-scf-request-id'])) || requestId.value,
  };
}

const HEXADECIMAL = /^[0-9a-f]{32}$/i;

/** `EO-LOG-UUID`; without EdgeOne in front, our own id of the request, in the form of a UUID if it has the digits of one. */
export function uuidOf({ request, requestId }: Exchange): string {
  return one(request.headers['eo-log-uuid']) || toUuid(requestId.value);
}

/** By slices: a replacement with five groups took a third of the whole context. */
function toUuid(id: string): string {
  if (!HEXADECIMAL.test(id)) return id;
  return `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`;
}

/** Empty unless a trusted peer says where the client is. */
export function geoOf({ request }: Exchange): Geo {
  const text = request.headers['eo-connecting-geo'];
  return text === undefined ? {} : toGeo(one(text));
}

function one(field: string | readonly string[] | undefined): string {
  return typeof field === 'string' ? field : (field?.[0] ?? '');
}
