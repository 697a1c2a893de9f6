import { createHash, timingSafeEqual } from 'node:crypto';
import { Fault } from '../contract/fault.ts';

/**
 * Reads the body of a request to purge, as `purgeCache()` of `@netlify/functions` sends it: JSON with `cache_tags`, or without it for everything. The
 * names of a site, a domain or a deploy in it are ignored: it concerns the site that gets it. Throws `bad_body`.
 */
export function readPurge(text: string): readonly string[] | 'everything' {
  const body = parse(text);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw refuse('the body must be a JSON object');
  const tags: unknown = 'cache_tags' in body ? body.cache_tags : undefined;
  if (tags === undefined || tags === null) return 'everything';
  const isList = Array.isArray(tags) && tags.every((tag): tag is string => typeof tag === 'string');
  if (!isList) throw refuse('"cache_tags" must be a list of strings, or absent to purge everything');
  return tags;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse('the body must be JSON, e.g. {"cache_tags":["news"]}');
  }
}

function refuse(clientMessage: string): Fault {
  return new Fault('bad_body', { message: clientMessage, clientMessage });
}

/** Whether an Authorization header has one of the tokens. It takes the same time for all wrong ones. */
export function hasBearer(authorization: string | null | undefined, tokens: readonly string[]): boolean {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (given === undefined) return false;
  const digest = toDigest(given);
  return tokens.filter((token) => token !== '' && timingSafeEqual(digest, toDigest(token))).length > 0;
}

function toDigest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
