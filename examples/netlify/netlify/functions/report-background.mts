import type { Context } from '@netlify/functions';

// Its client gets a 202 at once. The request is stored, and run also when this process dies meanwhile: see `nexthop jobs --site=examples/netlify`.
export default async (request: Request, { log }: Context) => {
  log(`a report about ${await request.text()} is being made`);
};
