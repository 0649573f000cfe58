/** Commands of many keys, hashed ahead: each key is found by its own hash, whatever comes with it. */
import { afterEach, expect, it } from 'vitest';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';

afterEach(closeAll);

it('commands of many keys find each of them, alone and in a pipeline', async () => {
  const server = await startServer();
  const client = await connectTo(server);
  const keys = Array.from({ length: 300 }, (_, i) => `key:${i}`);
  const pairs = keys.flatMap((key, i) => [key, `value ${i}`]);
  // 300 keys in one command, 900 in a batch: more than are hashed ahead.
  client.send('MSET', ...pairs);
  client.send('HSET', 'hash', 'field', '1');
  client.send('MGET', ...keys);
  client.send('HGET', 'hash', 'field');
  client.send('MGET', ...keys.toReversed());
  client.send('MSET', ...pairs);
  await client.receive();
  await client.receive();
  const values = keys.map((_, i) => `$${`value ${i}`.length}\r\nvalue ${i}\r\n`);
  expect((await client.receive()).bytes.toString()).toBe(`*300\r\n${values.join('')}`);
  expect((await client.receive()).bytes.toString()).toBe('$1\r\n1\r\n');
  expect((await client.receive()).bytes.toString()).toBe(`*300\r\n${values.reverse().join('')}`);
  await client.receive();

  client.send('EXISTS', ...keys.slice(0, 20), 'none');
  expect((await client.receive()).bytes.toString()).toBe(':20\r\n');
  client.send('DEL', ...keys.slice(0, 20), 'none', 'key:0');
  expect((await client.receive()).bytes.toString()).toBe(':20\r\n');
  client.send('RENAME', 'key:20', 'key:0');
  client.send('MSETNX', 'key:0', 'x', 'key:1', 'x', 'key:2', 'x', 'key:3', 'x');
  client.send('DBSIZE');
  for (const reply of ['+OK\r\n', ':0\r\n', ':281\r\n']) {
    expect((await client.receive()).bytes.toString()).toBe(reply);
  }
});

it('keys that are named again and again are found, and so are those between them', async () => {
  const server = await startServer();
  const client = await connectTo(server);
  const lines = [
    ['MSET', 'a', '1', 'a', '2', 'b', '3', 'b', '4', 'c', '5'],
    ['MGET', 'c', 'c', 'a', 'b', 'b', 'none'],
    ['MGET', 'b', 'a', 'a'],
    ['EXISTS', 'a', 'a', 'b', 'ab', 'ab'],
    ['SET', 'ba', '6'],
    ['GET', 'aa'],
    ['GET', 'ba'],
    ['GET', 'ba'],
  ];
  for (const line of lines) client.send(...line);
  const replies: string[] = [];
  for (const _ of lines) replies.push((await client.receive()).bytes.toString());
  const texts = (...of: (number | undefined)[]) =>
    of.map((n) => (n === undefined ? '$-1\r\n' : `$1\r\n${n}\r\n`)).join('');
  expect(replies).toEqual([
    '+OK\r\n',
    `*6\r\n${texts(5, 5, 2, 4, 4, undefined)}`,
    `*3\r\n${texts(4, 2, 2)}`,
    ':3\r\n',
    '+OK\r\n',
    texts(undefined),
    texts(6),
    texts(6),
  ]);
});
