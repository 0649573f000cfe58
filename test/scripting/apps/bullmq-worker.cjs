/** A worker in a process of its own, which takes a job, says so, and never ends it. */
const { Worker } = require('bullmq');

const connection = { host: '127.0.0.1', port: Number(process.argv[2]), maxRetriesPerRequest: null };
const take = () => {
  process.stdout.write('taken\n');
  return new Promise(() => {});
};
new Worker('q', take, { connection, lockDuration: 300, skipStalledCheck: true });
