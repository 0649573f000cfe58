/** COMMANDLOG: the slow log under its other name, and what is kept of large requests and replies. */
import { afterEach, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { closeAll, connectTo, startServer, Talker } from '../harness/in-process-server.ts';

afterEach(closeAll);

/** Name and bytes of what is in a log, the oldest first. */
function logged(server: Server, log: 'largeRequests' | 'largeReplies'): [string, number][] {
  const entries = [...server.largeCalls[log].latest(100)].reverse();
  return entries.map(({ args, amount }) => [String(args[0]), amount]);
}

it('answers the entries of SLOWLOG for the type slow', async () => {
  const server = await startServer({ 'slowlog-log-slower-than': '0' });
  const talker = await Talker.open(server);
  await talker.ask('SET k v');
  await talker.ask('CONFIG SET commandlog-execution-slower-than -1');
  expect(await talker.ask('COMMANDLOG LEN slow')).toBe(await talker.ask('SLOWLOG LEN'));
  const entries = await talker.ask('COMMANDLOG GET -1 Slow');
  expect(entries).toContain('$3 SET $1 k $1 v');
  expect(entries).toBe(await talker.ask('SLOWLOG GET -1'));
  expect(await talker.ask('COMMANDLOG RESET slow')).toBe('+OK');
  expect(server.slowLog.length).toBe(0);
});

it('keeps requests from their size in RESP on, and replies from theirs', async () => {
  const server = await startServer({
    'commandlog-request-larger-than': '100',
    'commandlog-reply-larger-than': '50',
  });
  const client = await connectTo(server);
  // *3 $3 SET $1 k $NN: 4 + 9 + 7 + 5 + 2 bytes around the value.
  await client.call('SET', 'k', 'x'.repeat(72));
  await client.call('SET', 'k', 'x'.repeat(73));
  expect(logged(server, 'largeRequests')).toEqual([['SET', 100]]);
  await client.call('SET', 'small', 'x'.repeat(42));
  await client.call('SET', 'large', 'x'.repeat(43));
  await client.call('GET', 'small');
  await client.call('GET', 'large');
  expect(logged(server, 'largeReplies')).toEqual([['GET', 50]]);
});

it('knows what transactions, waiting commands and slow scripts asked for and got', async () => {
  const server = await startServer({
    'commandlog-request-larger-than': '1000',
    'commandlog-reply-larger-than': '1000',
  });
  const client = await connectTo(server);
  const other = await connectTo(server);
  const value = 'x'.repeat(1000);
  for (const line of [['MULTI'], ['SET', 'k', value], ['GET', 'k'], ['EXEC']]) {
    await client.call(...line);
  }
  expect(logged(server, 'largeRequests').map(([name]) => name)).toEqual(['SET']);
  client.send('BLPOP', 'list', '0');
  await other.call('PING');
  await other.call('RPUSH', 'list', value);
  await client.receive();
  const loop = `for i = 1, 3e6 do end return string.rep('x', 2000)`;
  await client.call('EVAL', loop, '0');
  expect(logged(server, 'largeReplies')).toEqual([
    ['GET', 1009],
    ['BLPOP', 1023],
    ['EVAL', 2009],
  ]);
});

it('keeps nothing with -1, no secrets, and no more than it may', async () => {
  const server = await startServer({
    'commandlog-request-larger-than': '0',
    'commandlog-reply-larger-than': '-1',
    'commandlog-large-request-max-len': '2',
  });
  const talker = await Talker.open(server);
  await talker.ask('ECHO something-rather-long-that-is-answered-as-it-was-sent');
  await talker.ask('ACL SETUSER somebody on >secret');
  await talker.ask('AUTH default secret');
  expect(server.largeCalls.largeReplies.length).toBe(0);
  const entries = await talker.ask('COMMANDLOG GET -1 large-request');
  expect(entries).toMatch(/^\*2 /);
  expect(entries).not.toContain('secret');
});

it('refuses other types and counts', async () => {
  const talker = await Talker.open(await startServer());
  const types = '-ERR type should be one of the following: slow, large-request, large-reply';
  expect(await talker.ask('COMMANDLOG LEN fast')).toBe(types);
  expect(await talker.ask('COMMANDLOG GET 1 fast')).toBe(types);
  expect(await talker.ask('COMMANDLOG GET -2 slow')).toBe(
    '-ERR count should be greater than or equal to -1',
  );
  expect(await talker.ask('COMMANDLOG GET slow')).toBe(
    "-ERR wrong number of arguments for 'commandlog|get' command",
  );
});
