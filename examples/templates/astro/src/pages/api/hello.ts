import type { APIRoute } from 'astro';

export const GET: APIRoute = ({ url }) => new Response(`Hello, ${url.searchParams.get('name') ?? 'world'}!\n`);
