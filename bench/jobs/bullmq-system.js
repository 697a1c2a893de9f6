import { Queue, Worker } from 'bullmq';

const NAME = 'work';

/** BullMQ as in its documentation, except that done jobs are removed, as in nexthop. */
export async function open({ redisPort }) {
  const connection = { host: '127.0.0.1', port: redisPort, maxRetriesPerRequest: null };
  const queue = new Queue(NAME, {
    connection,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 3 },
  });
  await queue.waitUntilReady();
  let worker;
  return {
    push: (payload) => queue.add('job', { payload }),
    work(concurrency, run) {
      worker = new Worker(NAME, async ({ data }) => run(data.payload), { connection, concurrency });
    },
    async close() {
      await worker?.close();
      await queue.close();
    },
  };
}
