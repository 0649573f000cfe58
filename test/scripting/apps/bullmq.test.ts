/** BullMQ as an application uses it: its scripts run unchanged. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { FlowProducer, type Job, Queue, QueueEvents, Worker, type WorkerOptions } from 'bullmq';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createServer, type RespiteServer } from '../../../src/index.ts';
import { until } from '../../harness/in-process-server.ts';

let server: RespiteServer;
const open: { close(): Promise<unknown> }[] = [];

beforeEach(async () => {
  server = await createServer();
});

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
  await server.close();
});

function opened<T extends { close(): Promise<unknown> }>(closable: T): T {
  open.push(closable);
  return closable;
}

const connection = () => ({ host: '127.0.0.1', port: server.port, maxRetriesPerRequest: null });
const newQueue = (name = 'q') => opened(new Queue(name, { connection: connection() }));

async function newEvents(name = 'q'): Promise<QueueEvents> {
  const events = opened(new QueueEvents(name, { connection: connection() }));
  await events.waitUntilReady();
  return events;
}

function newWorker(
  work: (job: Job) => Promise<unknown>,
  options: Partial<WorkerOptions> = {},
  name = 'q',
): Worker {
  return opened(new Worker(name, work, { connection: connection(), ...options }));
}

it('runs jobs with their results, retries with backoff, and counts', async () => {
  const queue = newQueue();
  const events = await newEvents();
  newWorker(
    async (job) => {
      if (job.name === 'flaky' && job.attemptsMade < 2) throw new Error('not yet');
      if (job.name === 'hopeless') throw new Error('never');
      return job.data.n * 2;
    },
    { concurrency: 10 },
  );
  queue.setMaxListeners(0); // each job that is waited for listens to its closing
  const jobs = await queue.addBulk(
    Array.from({ length: 50 }, (_, n) => ({ name: 'double', data: { n } })),
  );
  const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 10_000)));
  expect(results).toEqual(jobs.map((_, n) => n * 2));
  const retries = { attempts: 3, backoff: { type: 'fixed', delay: 10 } };
  const flaky = await queue.add('flaky', { n: 21 }, retries);
  expect(await flaky.waitUntilFinished(events, 10_000)).toBe(42);
  const hopeless = await queue.add('hopeless', {}, retries);
  await expect(hopeless.waitUntilFinished(events, 10_000)).rejects.toThrow('never');
  expect(await queue.getJobCounts('completed', 'failed', 'waiting', 'active', 'delayed')).toEqual({
    completed: 51,
    failed: 1,
    waiting: 0,
    active: 0,
    delayed: 0,
  });
});

it('keeps priorities, delays, and order', async () => {
  const queue = newQueue();
  const started = Date.now();
  await queue.add('late', {}, { delay: 200 });
  for (const priority of [30, 10, 20]) await queue.add(`p${priority}`, {}, { priority });
  await queue.add('first', {});
  await queue.add('last in', {}, { lifo: true });
  const order: string[] = [];
  let lateAfter = 0;
  newWorker(async ({ name }) => {
    order.push(name);
    if (name === 'late') lateAfter = Date.now() - started;
  });
  await until(() => order.length === 6);
  // when the late one comes depends on the machine; the order of the others does not
  const others = order.filter((name) => name !== 'late');
  expect(others).toEqual(['last in', 'first', 'p10', 'p20', 'p30']);
  expect(lateAfter).toBeGreaterThanOrEqual(200);
});

it('runs the children of a flow before their parent', async () => {
  const events = await newEvents('parents');
  const flow = opened(new FlowProducer({ connection: connection() }));
  newWorker(async ({ data }) => data.n, {}, 'children');
  newWorker(
    async (job) => {
      const values = Object.values<number>(await job.getChildrenValues());
      return values.reduce((sum, each) => sum + each, 0);
    },
    {},
    'parents',
  );
  const tree = await flow.add({
    name: 'sum',
    queueName: 'parents',
    children: [1, 2, 3].map((n) => ({ name: 'part', queueName: 'children', data: { n } })),
  });
  expect(await tree.job.waitUntilFinished(events, 10_000)).toBe(6);
});

it('holds a rate limit', async () => {
  const queue = newQueue();
  const times: number[] = [];
  newWorker(async () => times.push(Date.now()), { limiter: { max: 2, duration: 200 } });
  await queue.addBulk(Array.from({ length: 5 }, () => ({ name: 'job', data: {} })));
  await until(() => times.length === 5);
  expect(times[4]! - times[0]!).toBeGreaterThanOrEqual(300);
});

it('repeats jobs, pauses, removes and drains', async () => {
  const queue = newQueue();
  let runs = 0;
  newWorker(async () => {
    runs++;
  });
  await queue.upsertJobScheduler('every', { every: 100 }, { name: 'tick' });
  await until(() => runs >= 3);
  expect((await queue.getJobSchedulers()).map(({ key }) => key)).toEqual(['every']);
  expect(await queue.removeJobScheduler('every')).toBe(true);
  await queue.pause();
  expect(await queue.isPaused()).toBe(true);
  const job = await queue.add('held', {});
  expect(await job.getState()).toBe('waiting');
  await job.remove();
  await queue.add('other', {});
  await queue.drain();
  expect(await queue.getJobCountByTypes('waiting', 'prioritized')).toBe(0);
  await queue.obliterate({ force: true });
});

it('takes the jobs of a worker that is gone', async () => {
  const queue = newQueue();
  const events = await newEvents();
  const stalled: string[] = [];
  events.on('stalled', ({ jobId }) => stalled.push(jobId));
  let taken = false;
  const lost = newWorker(
    () => {
      taken = true;
      return new Promise(() => {});
    },
    { lockDuration: 200, skipStalledCheck: true, skipLockRenewal: true },
  );
  const job = await queue.add('job', {});
  await until(() => taken);
  await lost.close(true);
  newWorker(async () => 'saved', { stalledInterval: 200, lockDuration: 1000 });
  expect(await job.waitUntilFinished(events, 10_000)).toBe('saved');
  expect(stalled).toEqual([job.id]);
});

it('takes the jobs of a process that was killed', { timeout: 20_000 }, async () => {
  const queue = newQueue();
  const events = await newEvents();
  const job = await queue.add('job', {});
  const file = path.join(import.meta.dirname, 'bullmq-worker.cjs');
  const child = spawn(process.execPath, [file, String(server.port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
  } finally {
    child.kill('SIGKILL');
  }
  newWorker(async () => 'saved', { stalledInterval: 200, lockDuration: 1000 });
  expect(await job.waitUntilFinished(events, 15_000)).toBe('saved');
});

it('runs a processor in a process of its own', { timeout: 20_000 }, async () => {
  const queue = newQueue();
  const events = await newEvents();
  const file = path.join(import.meta.dirname, 'bullmq-processor.cjs');
  opened(new Worker('q', file, { connection: connection() }));
  const job = await queue.add('job', { n: 20 });
  const progress = new Promise((resolve) => events.once('progress', ({ data }) => resolve(data)));
  const result = await job.waitUntilFinished(events, 15_000);
  expect(result).toEqual({ twice: 40, elsewhere: true });
  expect(await progress).toBe(50);
});
