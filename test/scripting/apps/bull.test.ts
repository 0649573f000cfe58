/** Bull, BullMQ's forerunner, which many applications still use. */
import Bull, { type Queue } from 'bull';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createServer, type RespiteServer } from '../../../src/index.ts';
import { until } from '../../harness/in-process-server.ts';

let server: RespiteServer;
let queue: Queue;

beforeEach(async () => {
  server = await createServer();
  queue = new Bull('q', server.url, { settings: { stalledInterval: 200, lockDuration: 500 } });
});

afterEach(async () => {
  await queue.close();
  await server.close();
});

it('runs jobs with results, priorities, delays and retries', async () => {
  const order: string[] = [];
  const ended = new Map<string, unknown>();
  queue.on('completed', (job, result) => ended.set(job.name, result));
  await queue.pause();
  await queue.add('low', {}, { priority: 9 });
  await queue.add('high', {}, { priority: 1 });
  await queue.add('later', {}, { delay: 50 });
  await queue.add('flaky', {}, { attempts: 3, backoff: 10 });
  const work = async (job: Bull.Job) => {
    order.push(job.name);
    if (job.name === 'flaky' && job.attemptsMade < 2) throw new Error('not yet');
    return `${job.name} done`;
  };
  void queue.process('*', work);
  await queue.resume();
  await until(() => ended.size === 4);
  expect(order.indexOf('high')).toBeLessThan(order.indexOf('low'));
  expect(ended.get('flaky')).toBe('flaky done');
  expect(order.filter((name) => name === 'flaky').length).toBe(3);
  expect(await queue.getJobCounts()).toMatchObject({ completed: 4, waiting: 0, active: 0 });
});

it('repeats jobs and holds its rate', async () => {
  let runs = 0;
  void queue.process('tick', async () => {
    runs++;
  });
  await queue.add('tick', {}, { repeat: { every: 50 } });
  await until(() => runs >= 3);
  const [repeated] = await queue.getRepeatableJobs();
  await queue.removeRepeatableByKey(repeated!.key);
  expect(await queue.getRepeatableJobs()).toEqual([]);
});
