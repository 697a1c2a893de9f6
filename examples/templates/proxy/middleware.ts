import type { MiddlewareContext } from 'nexthop/edgeone';

export function middleware({ request, next }: MiddlewareContext): Response {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith('/internal/')) return new Response('not found\n', { status: 404 });
  return next({ request: { headers: { 'X-From-Edge': 'yes' } } });
}
