import { Session } from 'node:inspector/promises';
import test, { type ExecutionContext } from 'ava';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';

const ROUNDS = 20;
const FEW = 2;
const MANY = 150;
const ATTEMPTS = 4;

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
}

/** How often each block of nexthop's code ran since the last call, by file, function and place. */
async function takeCounts(session: Session): Promise<ReadonlyMap<string, number>> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const counts = new Map<string, number>();
  for (const { url, functions } of result) {
    const [, file] = /\/src\/(.+\.ts)$/.exec(url) ?? [];
    if (file === undefined) continue;
    for (const { functionName, ranges } of functions)
      for (const { startOffset, count } of ranges) counts.set(`${file} ${functionName} ${startOffset}`, count);
  }
  return counts;
}

/** Opens this many connections that wait for the hop, and as many that are idle, with as many idle ones to the hop. */
async function load(edge: RunningEdge, waiting: Peer[], count: number): Promise<void> {
  const connect = () => Promise.all(Array.from({ length: count }, () => edge.connect()));
  for (const peer of await connect()) peer.write(get('/wait'));
  const idle = await connect();
  for (const peer of idle) peer.write(get('/gather'));
  await until(() => waiting.length === count, 'the requests at the hop');
  for (const peer of waiting) peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  for (const peer of idle) await peer.readUntil('\r\n\r\nok');
}

async function countRequests(t: ExecutionContext, session: Session, connections: number) {
  const waiting: Peer[] = [];
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      const head = await peer.readHead();
      if (head.startsWith('GET /wait ')) return;
      if (head.startsWith('GET /gather ')) waiting.push(peer);
      else peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }
  });
  const site = await siteFolder(t, {
    'cloud-functions/fn.js': 'export const onRequest = () => new Response("ok");',
    'public/file.txt': 'ok',
  });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url, HOP_CONNECTIONS: '1000', DRAIN_TIMEOUT: '10ms' } });
  await load(edge, waiting, connections);
  const send = async (peer: Peer): Promise<void> => {
    for (const target of ['/hop', '/fn', '/file.txt']) {
      peer.write(get(target));
      await peer.readUntil('\r\n\r\nok');
    }
  };
  await send(await edge.connect());
  await takeCounts(session);
  for (let round = 0; round < ROUNDS; round++) {
    const peer = await edge.connect();
    await send(peer);
    peer.end();
    await peer.readToEnd();
  }
  const counts = await takeCounts(session);
  await edge.close();
  return counts;
}

test('the work of a request does not grow with the number of connections or of requests in flight', async (t) => {
  const session = new Session();
  session.connect();
  t.teardown(() => session.disconnect());
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

  const few = await countRequests(t, session, FEW);
  // One timer looks at all connections a few times a second.
  const isTick = (block: string) =>
    /^contract\/deadlines\.ts #tick|allowedTicks|#awaitsBody|isWriteWaiting|unsentBytes/.test(block);
  // How often a tick looked at a connection: as often as it goes through the list of those in flight.
  const looksOf = (counts: ReadonlyMap<string, number>): number =>
    Math.max(0, ...[...counts].map(([block, count]) => (block.startsWith('contract/deadlines.ts #tick') ? count : 0)));
  let grown: readonly string[] | undefined;
  // On a loaded machine, the end of earlier requests may be counted, too; a scan grows each time.
  for (let attempt = 0; attempt < ATTEMPTS && grown?.length !== 0; attempt++) {
    const many = await countRequests(t, session, MANY);
    const ofTicks = (block: string) => (block.startsWith('contract/in-flight.ts') ? looksOf(many) : 0);
    const isGrown = (block: string) => (many.get(block) ?? 0) - ofTicks(block) > (few.get(block) ?? 0) + ROUNDS * 3;
    grown = (grown ?? [...many.keys()]).filter((block) => !isTick(block) && isGrown(block));
  }

  t.deepEqual(grown, []);
  t.true([...few].some(([block, count]) => block.includes('exchanges.ts') && count >= ROUNDS * 3));
});
