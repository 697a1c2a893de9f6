import { createServer } from 'node:http';
import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { listenOnPort } from '../helpers/listen.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';

/** Sends one event and no other, and notes when its reader is gone. */
const streamOf = (name: string): string => `new Response(new ReadableStream({
    start(controller) { controller.enqueue(new TextEncoder().encode('data: 1\\n\\n')); },
    cancel() { (globalThis.endedStreams ??= []).push('${name}'); },
  }), { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } })`;

const SITE = {
  'cloud-functions/cloud.js': `export const onRequest = () => ${streamOf('/cloud')};`,
  'netlify/functions/netlify.mjs': `export default () => ${streamOf('/netlify')};\nexport const config = { path: '/netlify' };`,
  'netlify/functions/inner.mjs': `export default () => ${streamOf('/inner')};\nexport const config = { path: '/inner' };`,
  'netlify/edge-functions/changed.js':
    "export default async (_, { next }) => new Response((await next()).body, { headers: { 'content-type': 'text/event-stream' } });\nexport const config = { path: '/inner' };",
};

const ended = (): readonly string[] => (Reflect.get(globalThis, 'endedStreams') ?? []) as readonly string[];

/** As `streamOf`, by another server. */
const origin = createServer((_, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n');
  response.once('close', () => Reflect.set(globalThis, 'endedStreams', [...ended(), '/proxied']));
});

for (const path of ['/cloud', '/netlify', '/inner', '/proxied']) {
  test(`an event stream at ${path} that sends nothing ends when its client ends`, async (t) => {
    const to = path === '/proxied' ? await listenOnPort(t, origin) : 80;
    const redirects = `[[redirects]]\n  from = "/proxied"\n  to = "http://localhost:${to}/"\n  status = 200\n`;
    const edge = await startEdge(t, { site: await siteFolder(t, { ...SITE, 'netlify.toml': redirects }) });
    const client = await edge.connect();
    client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.readUntil('data: 1');

    client.end();

    await until(() => ended().includes(path), 'the end of the stream');
    const [line] = await edge.accessLines(1);
    t.like(line, { status: '200', fault: 'client_left' });
  });
}
