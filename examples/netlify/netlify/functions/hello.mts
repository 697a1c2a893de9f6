import type { Config, Context } from '@netlify/functions';

export default (_request: Request, { params }: Context) => new Response(`Hello, ${params.name}!\n`);

export const config: Config = { path: '/hello/:name' };
