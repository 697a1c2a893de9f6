import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { serveLambda } from '../../../helpers/lambda-server.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

const DISPOSITION = 'attachment; filename="报告 é 😀.pdf"';
const UTF8 = Buffer.from(DISPOSITION).toString('latin1');

/** Results whose headers go beyond ASCII. */
const BEYOND_ASCII: Readonly<Record<string, object>> = {
  'a text as body': { headers: { 'Content-Disposition': DISPOSITION }, body: 'größer 报' },
  'base64 as body': {
    headers: { 'Content-Disposition': DISPOSITION },
    body: Buffer.from('größer 报').toString('base64'),
    isBase64Encoded: true,
  },
  'a stream as body': { headers: { 'Content-Disposition': DISPOSITION }, body: Readable.from(['größer ', '报']) },
  'several values': { multiValueHeaders: { 'Content-Disposition': [DISPOSITION] }, body: 'größer 报' },
};

for (const [what, result] of Object.entries(BEYOND_ASCII)) {
  test(`a header beyond ASCII is sent as UTF-8, as on the platform, next to ${what}`, async (t) => {
    const server = await serveLambda(t, async () => ({ statusCode: 200, ...result }));

    const answer = await server.exchange(GET);

    t.regex(answer, /^HTTP\/1\.1 200 /);
    t.true(answer.includes(`content-disposition: ${UTF8}\r\n`));
    t.true(answer.replaceAll(/\r\n[0-9a-f]+\r\n/g, '').includes(Buffer.from('größer 报').toString('latin1')));
  });
}

test('half a surrogate pair in a header is sent as a replacement character', async (t) => {
  const server = await serveLambda(t, async () => ({ statusCode: 200, headers: { 'x-half': 'a\ud800b' } }));

  t.true((await server.exchange(GET)).includes('x-half: a\xef\xbf\xbdb\r\n'));
});

test('the access line of a response whose content type is beyond ASCII is one line of ASCII', async (t) => {
  const text = `exports.handler = async () => ({
    statusCode: 200, headers: { 'content-type': 'text/plain; x="报\u2028"', 'section-io-tag': 'é' }, body: '报' });`;
  const site = await siteFolder(t, { 'netlify/functions/hello.js': text });
  const edge = await startEdge(t, { site });

  const answer = await edge.exchange(GET.replace('/ ', '/.netlify/functions/hello '));

  const utf8 = (value: string) => Buffer.from(value).toString('latin1');
  t.true(answer.includes(`content-type: text/plain; x="${utf8('报\u2028')}"\r\n`));
  t.true(answer.endsWith(`\r\n\r\n${utf8('报')}`));
  const [line] = await edge.accessLines(1);
  t.like(line, { status: '200', content_type: `text/plain; x="${utf8('报\u2028')}"`, section_io_tag: utf8('é') });
  const file = await readFile(join(edge.logDir, 'access.log'), 'utf8');
  t.regex(file, /^[ -~]*\n$/);
});
