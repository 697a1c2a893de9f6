/**
 * How long a saved file takes to be live in `nexthop dev`: from the write to the first answer of the
 * new code, in a site of 50 functions of EdgeOne, or of as many and of the platform that the arguments say, that share a helper. Prints the
 * median and the slowest of 20 saves of a function, and of 20 saves of the helper.
 *
 * npm run --silent prepare && node bench/saved-file.ts [50] [edgeone|netlify]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const FUNCTIONS = Number(process.argv[2] ?? 50);
const isNetlify = process.argv[3] === 'netlify';
const folder = isNetlify ? 'netlify/functions' : 'cloud-functions/api';
const SAVES = 20;

const site = await mkdtemp(join(tmpdir(), 'nexthop-saved-'));
const write = (file: string, text: string) => writeFile(join(site, file), text);
const toFunction = (at: number, mark: string) => `import { greet, type Visitor } from '../../lib/greet.ts';

${isNetlify ? 'export default function (request: Request)' : 'export function onRequest({ request }: { request: Request })'}: Response {
  const visitor: Visitor = { name: new URL(request.url).pathname, number: ${at} };
  return new Response(\`\${greet(visitor)} ${mark}\`);
}
${isNetlify ? `export const config = { path: '/api/f${at}' };\n` : ''}`;
const toHelper = (mark: string) => `export interface Visitor { name: string; number: number }
export const greet = ({ name, number }: Visitor): string => \`${mark} \${name} \${number}\`;
`;
await mkdir(join(site, folder), { recursive: true });
await mkdir(join(site, 'lib'));
await write('lib/greet.ts', toHelper('hello'));
for (let at = 0; at < FUNCTIONS; at++) await write(`${folder}/f${at}.ts`, toFunction(at, 'first'));

const cli = join(import.meta.dirname, '../dist/cli/cli.js');
const server = spawn(process.execPath, [cli, 'dev', site], {
  env: { PATH: process.env.PATH, PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
let output = '';
server.stdout.on('data', (chunk: Buffer) => {
  output += chunk;
});
while (!/live page/.test(output)) await delay(20);
const [, port] = /:(\d+)/.exec(output) ?? [];
const read = async () => (await fetch(`http://127.0.0.1:${port}/api/f7`)).text();
await read();

async function measure(save: (mark: string) => Promise<void>, name: string): Promise<void> {
  const times: number[] = [];
  for (let at = 0; at < SAVES; at++) {
    const mark = `${name}${at}`;
    const startedAtMs = performance.now();
    await save(mark);
    while (!(await read()).includes(mark)) await delay(2);
    times.push(performance.now() - startedAtMs);
    // The next save is a new change, not a part of this one.
    await delay(100);
  }
  times.sort((one, other) => one - other);
  const [median = 0, slowest = 0] = [times[SAVES / 2], times.at(-1)].map((ms) => Math.round(ms ?? 0));
  process.stdout.write(
    `a saved ${name} of ${FUNCTIONS} functions is live after ${median} ms (median), ${slowest} ms (slowest)\n`,
  );
}

await measure((mark) => write(`${folder}/f7.ts`, toFunction(7, mark)), 'function');
await measure((mark) => write('lib/greet.ts', toHelper(mark)), 'helper');
server.kill('SIGINT');
await once(server, 'exit');
await rm(site, { recursive: true, force: true });
