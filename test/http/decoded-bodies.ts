import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { isDecodedByFetch, recordDecodedBodies } from '../../src/http/decoded-bodies.ts';
import { installLazyRequest } from '../../src/http/lazy-request.ts';
import { installTextResponse } from '../../src/http/text-response.ts';
import { listen } from '../helpers/listen.ts';

// Not in the order of createEdge.
installLazyRequest();
recordDecodedBodies();
installTextResponse();

test('bodies that fetch decodes are recorded, also those of clones, in whatever order the globals are replaced', async (t) => {
  const url = await listen(
    t,
    createServer((_, response) => response.setHeader('Content-Encoding', 'gzip').end(gzipSync('text'))),
  );

  const response = await fetch(new Request(url));
  const clone = response.clone();

  for (const { body } of [response, clone]) t.true(isDecodedByFetch({ body }, undefined));
  t.false(isDecodedByFetch(new Response('text'), undefined));
  t.is(await clone.text(), 'text');
});
