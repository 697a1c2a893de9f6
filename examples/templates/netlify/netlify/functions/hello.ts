import type { Config } from '@netlify/functions';

export default function hello(request: Request): Response {
  const name = new URL(request.url).searchParams.get('name') ?? 'world';
  return new Response(`Hello, ${name}!\n`);
}

export const config: Config = { path: '/api/hello' };
