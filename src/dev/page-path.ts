/** The live page, and the prefix of what it requests. Only `nexthop dev` answers it. */
export const DEV_PATH = '/.well-known/nexthop/dev';
