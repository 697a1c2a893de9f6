import test from 'ava';
import { configureSqlite } from '../../../helpers/configured-store.ts';
import { CONTACT, formSite, submissionsIn, submit } from '../../../helpers/form-site.ts';
import { startNexthop } from '../../../helpers/process.ts';

test('after kill -9 between the answer and the event, the next process runs the event', async (t) => {
  const site = await formSite(t, { 'public/contact.html': CONTACT });
  const { env, open } = await configureSqlite(t);
  // No job runs in the first process: it ends while the event waits.
  const first = await startNexthop(t, { site: site.folder, env: { ...env, JOB_CONCURRENCY: '0' } });
  t.is((await submit(`http://127.0.0.1:${first.port}/`, { 'form-name': 'contact', name: 'Ada' })).status, 303);

  first.child.kill('SIGKILL');
  await first.exited;
  t.deepEqual(await site.events(), []);
  await startNexthop(t, { site: site.folder, env });

  const [event] = await site.untilEvents(1);
  const [stored] = await submissionsIn(await open());
  t.is(event?.payload.id, stored?.id);
});
