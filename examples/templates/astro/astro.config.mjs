import { defineConfig } from 'astro/config';
import nexthop from 'nexthop/astro';

export default defineConfig({ output: 'server', adapter: nexthop({ mode: 'standalone' }) });
