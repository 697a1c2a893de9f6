import test from 'ava';
import { developSite } from '../helpers/dev-session.ts';
import { until } from '../helpers/until.ts';

test('the line of a request has the filters that ran before what answered, and its new path', async (t) => {
  const { url, lines, session } = await developSite(t, {
    'middleware.js': `export const middleware = ({ next }) => next();
      export const config = { matcher: ['/a', '/short', '/fail'] };`,
    'edgeone.json': JSON.stringify({
      rewrites: [{ source: '/short', destination: '/a' }],
    }),
    'cloud-functions/a.js': 'export const onRequest = () => new Response("a");',
    'cloud-functions/plain.js': 'export const onRequest = () => new Response("plain");',
    'cloud-functions/fail.js': 'export const onRequest = () => { throw new Error("no stock"); };',
    'netlify/edge-functions/around.js': `export default (request, context) => context.next();
      export const config = { path: '/*', excludedPath: '/plain' };`,
    'netlify/edge-functions/stop.js': `export default () => new Response('stop');
      export const config = { path: '/stop' };`,
    'public/page.html': 'page',
    'public/_headers': '/page*\n  Basic-Auth: ada:secret\n',
  });
  const headers = {
    authorization: `Basic ${Buffer.from('ada:secret').toString('base64')}`,
  };

  for (const path of ['/a', '/short', '/plain', '/stop', '/page', '/none', '/fail'])
    await fetch(url + path, { headers });

  await until(() => lines.join('\n').includes('no stock'), 'the last request');
  const text = lines.join('\n');
  t.regex(text, /^GET \/a .* cloud-functions\/a\.js {2}after middleware\.js, netlify\/edge-functions\/around\.js$/m);
  t.regex(
    text,
    /^GET \/short .* cloud-functions\/a\.js {2}after middleware\.js, netlify\/edge-functions\/around\.js {2}as \/a$/m,
  );
  t.regex(text, /^GET \/plain .* cloud-functions\/plain\.js$/m);
  t.regex(text, /^GET \/stop .* netlify\/edge-functions\/stop\.js {2}after netlify\/edge-functions\/around\.js$/m);
  t.regex(
    text,
    /^GET \/page .* public\/page\.html {2}after Basic-Auth of public\/_headers, netlify\/edge-functions\/around\.js$/m,
  );
  t.regex(text, /^GET \/none .* next hop {2}after netlify\/edge-functions\/around\.js {2}hop_unreachable/m);
  // The error of a function that an edge function has called.
  t.regex(text, /function_error\n\n {2}Error: no stock\n {2}at cloud-functions\/fail\.js:1:40/);
  t.deepEqual(session.history.all[3]?.filters, ['netlify/edge-functions/around.js']);
});
