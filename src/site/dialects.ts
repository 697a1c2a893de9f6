import type { Dialect } from '../contract/dialect.ts';
import { astro } from '../dialects/astro/astro.ts';
import { edgeone } from '../dialects/edgeone/edgeone.ts';
import { netlify } from '../dialects/netlify/netlify.ts';

/** For `nexthop conversations`, which reads them without the site. */
export { openConversations } from '../dialects/edgeone/conversations/open-conversations.ts';

/**
 * All platforms whose sites run here. Where two routes have equal patterns, the earlier dialect
 * wins. EdgeOne is first, because its middleware may protect the site: no other redirect runs
 * before it.
 */
export const DIALECTS: readonly Dialect[] = [edgeone, netlify, astro];
