import { findHeader } from '../../contract/header-list.ts';

export interface ResponseTags {
  /** In lower case, each once; the custom ids are among them. */
  readonly tags: readonly string[];
  readonly customId: string | undefined;
}

/** Limits of the platform. What is beyond them is left out. */
const MOST_TAGS = 500;
const LONGEST_TAG = 1024;

/** The tags by which a response is purged. `Netlify-Cache-Tag` hides `Cache-Tag`; values of `Netlify-Cache-ID` are tags, too. */
export function readTags(headers: readonly string[]): ResponseTags {
  const ids = toTags(findHeader(headers, 'netlify-cache-id'));
  const tags = toTags(findHeader(headers, 'netlify-cache-tag') ?? findHeader(headers, 'cache-tag'));
  return { tags: ids.length === 0 ? tags : [...new Set([...ids, ...tags])], customId: ids[0] };
}

/** The tags in a comma-separated list, in lower case. */
export function toTags(field: string | undefined): readonly string[] {
  if (field === undefined) return [];
  const tags = field.split(',').map((tag) => tag.trim().toLowerCase());
  return [...new Set(tags.filter((tag) => tag !== '' && tag.length <= LONGEST_TAG))].slice(0, MOST_TAGS);
}
