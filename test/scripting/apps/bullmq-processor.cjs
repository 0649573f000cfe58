/** A processor for BullMQ's sandbox: bullmq.test.ts runs it in a process of its own. */
module.exports = async (job) => {
  await job.updateProgress(50);
  return { twice: job.data.n * 2, elsewhere: process.send !== undefined };
};
