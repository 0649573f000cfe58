/** Scripts that run for long: what others are told, and how such a script ends. */
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { CommandError } from '../../src/util/errors.ts';
import {
  atClose,
  closeAll,
  connectTo,
  startServer,
  Talker,
  until,
} from '../harness/in-process-server.ts';

afterEach(closeAll);

const BUSY =
  '-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.';
const BUSY_FUNCTION =
  '-BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.';
const KILLED = 'ERR Script killed by user with SCRIPT KILL...';

/** A server whose scripts count as busy soon. */
async function startImpatient(): Promise<Server> {
  return startServer({ 'busy-reply-threshold': '5' });
}

async function untilBusy(server: Server): Promise<void> {
  await until(() => server.gates.busy !== undefined);
}

describe('a script that runs for long', () => {
  it('has others told that the server is busy, and is ended by SCRIPT KILL', async () => {
    const server = await startImpatient();
    const [runner, other] = [await connectTo(server), await Talker.open(server)];
    runner.send('EVAL', 'while true do pcall(function() while true do end end) end', '0');
    await untilBusy(server);
    expect(await other.ask('GET k')).toBe(BUSY);
    expect(await other.ask('PING')).toBe(BUSY);
    expect(await other.ask('FUNCTION KILL')).toBe(BUSY);
    expect(await other.ask('SHUTDOWN')).toBe(BUSY);
    expect(await other.ask('MULTI')).toBe('+OK');
    expect(await other.ask('DISCARD')).toBe('+OK');
    expect(await other.ask('SCRIPT KILL')).toBe('+OK');
    expect((await runner.receive()).bytes.toString()).toContain(KILLED);
    expect(await other.ask('PING')).toBe('+PONG');
    expect(await other.ask('SCRIPT KILL')).toBe('-NOTBUSY No scripts in execution right now.');
  });

  it('shows clients that wait nothing of what it has half done, whoever asks meanwhile', async () => {
    const server = await startImpatient();
    const [runner, waiting, other] = [
      await connectTo(server),
      await connectTo(server),
      await Talker.open(server),
    ];
    waiting.send('BLPOP', 'k', '0');
    await until(() => server.blocking.size === 1);
    const code =
      "redis.call('LPUSH', KEYS[1], 'half') for i = 1, 20000000 do end " +
      "redis.call('LPUSH', KEYS[1], 'whole')";
    runner.send('EVAL', code, '1', 'k');
    await untilBusy(server);
    expect(await other.ask('HELLO 2 SETNAME other')).toContain('master');
    expect(server.gates.busy).toBeDefined();
    expect(server.blocking.size).toBe(1);
    expect((await waiting.receive()).bytes.toString()).toContain('whole');
  });

  it('answers in the end, with what its client sent meanwhile after it', async () => {
    const server = await startImpatient();
    const runner = await connectTo(server);
    runner.send('EVAL', 'local x = 0 for i = 1, 20000000 do x = x + 1 end return x', '0');
    runner.send('PING');
    expect((await runner.receive()).bytes.toString()).toBe(':20000000\r\n');
    expect((await runner.receive()).bytes.toString()).toBe('+PONG\r\n');
  });

  it('cannot be killed once it has written, and its writes are one unit', async () => {
    const server = await startImpatient();
    const units: number[] = [];
    server.keyspace.changes.journal.add({ unit: ({ count }) => units.push(count) });
    const [runner, other] = [await connectTo(server), await Talker.open(server)];
    const script = `redis.call("SET", "k", "v") for i = 1, 20000000 do end
      redis.call("SELECT", 2) return redis.call("INCR", "n")`;
    runner.send('EVAL', script, '0');
    await untilBusy(server);
    expect(await other.ask('SCRIPT KILL')).toMatch(/^-UNKILLABLE /);
    expect((await runner.receive()).bytes.toString()).toBe(':1\r\n');
    expect(units).toEqual([2]);
    expect(await other.ask('GET k')).toBe('$1 v');
    runner.send('DBSIZE');
    expect((await runner.receive()).bytes.toString()).toBe(':1\r\n');
  });

  it('is suspended within EXEC as well', async () => {
    const server = await startImpatient();
    const [runner, other] = [await connectTo(server), await Talker.open(server)];
    runner.send('MULTI');
    runner.send('INCR', 'n');
    runner.send('EVAL', 'while true do end', '0');
    runner.send('INCR', 'n');
    runner.send('EVAL', 'for i = 1, 10000000 do end return redis.call("INCR", "n")', '0');
    runner.send('EXEC');
    for (let i = 0; i < 5; i++) await runner.receive();
    await untilBusy(server);
    expect(await other.ask('GET n')).toBe(BUSY);
    expect(await other.ask('SCRIPT KILL')).toBe('+OK');
    const reply = (await runner.receive()).bytes.toString();
    expect(reply).toMatch(/^\*4\r\n:1\r\n-ERR Script killed[^\r]*\r\n:2\r\n:3\r\n$/);
    expect(await other.ask('GET n')).toBe('$1 3');
  });

  it('ends for nobody when its client hangs up', async () => {
    const server = await startImpatient();
    const [runner, other] = [await connectTo(server), await Talker.open(server)];
    runner.send('EVAL', 'for i = 1, 10000000 do end redis.call("SET", "k", "v")', '0');
    await untilBusy(server);
    runner.close();
    await until(() => server.gates.busy === undefined);
    expect(await other.ask('GET k')).toBe('$1 v');
  });

  it('wakes the clients that waited for what it wrote', async () => {
    const server = await startImpatient();
    const [runner, waiting] = [await connectTo(server), await Talker.open(server)];
    waiting.send('BLPOP q 0');
    await until(() => server.blocking.size === 1);
    runner.send('EVAL', 'redis.call("RPUSH", "q", "x") for i = 1, 10000000 do end', '0');
    expect(await waiting.next()).toBe('*2 $1 q $1 x');
  });

  it('is ended by FUNCTION KILL if it is a function', async () => {
    const server = await startImpatient();
    const [runner, other] = [await connectTo(server), await Talker.open(server)];
    const code = '#!lua name=l\nredis.register_function("f", function() while true do end end)';
    await runner.call('FUNCTION', 'LOAD', code);
    runner.send('FCALL', 'f', '0', 'x');
    await untilBusy(server);
    expect(await other.ask('GET k')).toBe(BUSY_FUNCTION);
    expect(await other.ask('FUNCTION STATS')).toContain('name $1 f $7 command *4 $5 FCALL $1 f');
    expect(await other.ask('SCRIPT KILL')).toBe(BUSY_FUNCTION);
    expect(await other.ask('FUNCTION KILL')).toBe('+OK');
    expect((await runner.receive()).bytes.toString()).toContain(KILLED);
  });
});

describe('scripts of clients', () => {
  it('leave the database and the reply mode of their client alone', async () => {
    const server = await startServer();
    const client = await connectTo(server);
    client.send('CLIENT', 'REPLY', 'OFF');
    client.send(
      'EVAL',
      'redis.call("SELECT", 5) redis.call("SET", "k", redis.call("PING").ok)',
      '0',
    );
    client.send('CLIENT', 'REPLY', 'ON');
    expect((await client.receive()).bytes.toString()).toBe('+OK\r\n');
    client.send('GET', 'k');
    expect((await client.receive()).bytes.toString()).toBe('$-1\r\n');
    client.send('SELECT', '5');
    client.send('GET', 'k');
    await client.receive();
    expect((await client.receive()).bytes.toString()).toBe('$4\r\nPONG\r\n');
  });

  it('are forgotten one after the other when only EVAL brings them', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    const kept = await client.ask('SCRIPT LOAD return(0)');
    for (let i = 1; i <= 600; i++) client.send(`EVAL return(${i}) 0`);
    await client.take(600);
    expect(server.scripts.cache.size).toBe(501);
    expect(await client.ask(`EVALSHA ${kept.split(' ')[1]} 0`)).toBe(':0');
  });

  it('are what ioredis and node-redis make commands of', async () => {
    const server = await startServer();
    const io = new Redis({ port: server.port, host: '127.0.0.1' });
    atClose(() => io.disconnect());
    io.defineCommand('twice', { numberOfKeys: 1, lua: 'return {KEYS[1], ARGV[1] * 2}' });
    const twice = (io as unknown as { twice(key: string, n: number): Promise<unknown> }).twice;
    expect(await twice.call(io, 'k', 21)).toEqual(['k', 42]);
    await io.script('FLUSH');
    expect(await twice.call(io, 'k', 4)).toEqual(['k', 8]);
    const node = createClient({ socket: { port: server.port, host: '127.0.0.1' } });
    await node.connect();
    atClose(() => node.destroy());
    expect(
      await node.eval('return redis.call("SET", KEYS[1], ARGV[1])', {
        keys: ['a'],
        arguments: ['b'],
      }),
    ).toBe('OK');
    expect(await io.getBuffer('a')).toEqual(Buffer.from('b'));
  });
});

describe('what scripts say of themselves', () => {
  it('decides whether CLIENT PAUSE WRITE holds them', async () => {
    const server = await startServer();
    const [pauser, writer, reader] = [
      await Talker.open(server),
      await connectTo(server),
      await connectTo(server),
    ];
    await pauser.ask('SET k old');
    const declared = "#!lua flags=no-writes\nreturn redis.call('get','k')";
    const sha = await reader.text('SCRIPT', 'LOAD', declared);
    const library = `#!lua name=lib
      redis.register_function{function_name='f', flags={'no-writes'},
        callback=function() return redis.call('get','k') end}
      redis.register_function('w', function() return redis.call('set','k','w') end)`;
    await reader.text('FUNCTION', 'LOAD', library);
    await pauser.ask('CLIENT PAUSE 100000 WRITE');
    writer.send('EVAL', "return redis.call('set','k','new')", '0');
    for (const read of [
      ['EVAL', declared, '0'],
      ['EVALSHA', sha, '0'],
      ['FCALL', 'f', '0'],
      ['EVAL_RO', "return redis.call('get','k')", '0'],
    ]) {
      expect(await reader.text(...read)).toBe('old');
    }
    reader.send('MULTI');
    reader.send('EVAL', declared, '0');
    reader.send('EXEC');
    const replies = [];
    for (let i = 0; i < 3; i++) replies.push((await reader.receive()).bytes.toString());
    expect(replies[2]).toBe('*1\r\n$3\r\nold\r\n');
    // Without a declaration they may write; an unknown one, too.
    reader.send('FCALL', 'w', '0');
    expect(writer.hasReply).toBe(false);
    expect(await pauser.ask('CLIENT UNPAUSE')).toBe('+OK');
    expect((await writer.receive()).bytes.toString()).toBe('+OK\r\n');
    expect((await reader.receive()).bytes.toString()).toBe('+OK\r\n');
  });

  it('decides whether they run while the disk fails; no write of a script gets past it', async () => {
    const server = await startServer();
    const client = await connectTo(server);
    await client.text('SET', 'k', 'old');
    // The cron knows of a disk that is well.
    server.cron.isPaused = true;
    server.gates.diskRefusal = new CommandError('MISCONF the disk fails');
    const ask = async (script: string): Promise<string> => {
      client.send('EVAL', script, '0');
      return (await client.receive()).bytes.toString();
    };
    expect(await ask("return redis.call('set','k','new')")).toMatch(/^-MISCONF the disk fails/);
    expect(await ask("return redis.pcall('del','k').err")).toContain('MISCONF the disk fails');
    expect(await ask('#!lua\nreturn 1')).toBe('-MISCONF the disk fails\r\n');
    expect(await ask("return redis.call('get','k')")).toBe('$3\r\nold\r\n');
    expect(await ask("#!lua flags=no-writes\nreturn redis.call('get','k')")).toBe('$3\r\nold\r\n');
    server.gates.diskRefusal = undefined;
  });

  it('decides whether they run while memory is short', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    await client.ask('CONFIG SET maxmemory 1');
    const oom = "-OOM command not allowed when used memory > 'maxmemory'.";
    expect(await client.ask('SET k 1')).toBe(oom);
    const scripts = ['#!lua\nreturn 1', '#!lua flags=allow-oom\nreturn 1', 'return 1'];
    for (const script of scripts) client.connection.send('EVAL', script, '0');
    expect(await client.take(3)).toEqual([oom, ':1', ':1']);
  });

  it('a monitor runs none that may write', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    expect(await client.ask('MONITOR')).toBe('+OK');
    expect(await client.ask('EVAL return 0')).toContain("-ERR Replica can't interact");
  });
});
