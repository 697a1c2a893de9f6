import type { EventContext } from 'nexthop/edgeone';

export function onRequestGet({ request }: EventContext): Response {
  const name = new URL(request.url).searchParams.get('name') ?? 'world';
  return new Response(`Hello, ${name}!\n`);
}
