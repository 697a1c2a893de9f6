import { defineConfig } from 'astro/config';

// The package of the adapter, e.g. `nexthop/astro`.
const { default: adapter } = await import(process.env.ADAPTER);

export default defineConfig({ output: 'server', adapter: adapter({ mode: 'standalone' }) });
