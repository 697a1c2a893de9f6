/**
 * Property of each `fetch` that nexthop sets as the global one, so that a `fetch` which code of the
 * site has set can be told from it.
 */
export const OWN_FETCH = Symbol.for('nexthop.fetch');
