import test from 'ava';
import type { PrintedText } from '../../../../src/contract/log.ts';
import { capturePrinted } from '../../../../src/process/printed-text.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

test('what an agent prints has the ids of its run and of its conversation, and what others print has none', async (t) => {
  const site = await siteFolder(t, {
    'agents/talk.js': `export const onRequest = async () => { await null; console.log('agent'); };`,
    'cloud-functions/f.js': `export const onRequest = () => { console.log('function'); return new Response('f'); };`,
  });
  const { url } = await startEdge(t, { site });
  const printed: PrintedText[] = [];
  t.teardown(capturePrinted({ site, receive: (each) => printed.push(each), isPassedOn: false }));

  const response = await fetch(`${url}/talk`, { method: 'POST', headers: { 'makers-conversation-id': 'c-1' } });
  await fetch(`${url}/talk`, { method: 'POST' });
  await (await fetch(`${url}/f`)).text();

  const fields = printed.map((each) => each.fields);
  t.deepEqual(fields[0], { run_id: response.headers.get('makers-run-id') ?? '', conversation_id: 'c-1' });
  t.deepEqual(Object.keys(fields[1] ?? {}), ['run_id']);
  t.is(fields[2], undefined);
  t.is(printed.length, 3);
});
