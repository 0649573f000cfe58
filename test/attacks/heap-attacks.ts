/**
 * What clients can put on the JavaScript heap, each as much of it as would end a process with a
 * heap of 256 MB if nobody looked. An attack ends by itself; what it opened is closed by the caller.
 */
import { type Attacker, long, pause, request } from './attacker.ts';

export interface Attack {
  readonly name: string;
  /** Few seconds: part of every `npm test`. */
  readonly brief?: boolean;
  run(open: () => Promise<Attacker>): Promise<void>;
}

const pad = (i: number, length: number) => String(i).padStart(length, 'x');

/** Sends `total` commands in batches. */
async function flood(
  attacker: Attacker,
  total: number,
  one: (i: number) => Buffer,
  batch = 1000,
): Promise<void> {
  for (let i = 0; i < total && attacker.isOpen; i += batch) {
    const count = Math.min(batch, total - i);
    await attacker.send(Buffer.concat(Array.from({ length: count }, (_, k) => one(i + k))));
  }
}

/** Fills a key by one command, in batches of a thousand elements. */
async function fill(
  attacker: Attacker,
  verb: readonly string[],
  total: number,
  words: (i: number) => readonly string[],
): Promise<void> {
  for (let i = 0; i < total; i += 1000) {
    const all = Array.from({ length: Math.min(1000, total - i) }, (_, k) => words(i + k)).flat();
    await attacker.send(long(verb, all.length, (k) => all[k]!));
  }
  await attacker.finish();
}

const one = (name: string, run: (a: Attacker) => Promise<void>, brief = false): Attack => ({
  name,
  brief,
  async run(open) {
    const attacker = await open();
    await run(attacker);
    await attacker.finish();
  },
});

const HUGE = Buffer.alloc(200 * 1024 * 1024, 'h');
const huge = (name: string, ...words: (string | Buffer)[]) =>
  one(`a huge text: ${name}`, (a) => a.send(request(...words), 20_000));

const holders: readonly Attack[] = [
  {
    name: 'names of 100 KB on 3000 clients, listed',
    async run(open) {
      const attackers = [];
      for (let i = 0; i < 3000; i++) {
        const attacker = await open();
        attackers.push(attacker);
        await attacker.send(request('CLIENT', 'SETNAME', pad(i, 100_000)));
      }
      await attackers.at(-1)!.do('CLIENT', 'LIST');
    },
  },
  one('400,000 channels of 500 bytes', (a) =>
    flood(a, 400_000, (i) => request('SUBSCRIBE', pad(i, 500))),
  ),
  one('400,000 patterns of 500 bytes', (a) =>
    flood(a, 400_000, (i) => request('PSUBSCRIBE', `${pad(i, 500)}*`)),
  ),
  one(
    '400,000 channels in one command',
    (a) => a.send(long(['SUBSCRIBE'], 400_000, (i) => pad(i, 500))),
    true,
  ),
  one('eight million commands for EXEC', async (a) => {
    await a.do('MULTI');
    const batch = Buffer.from('PING\r\n'.repeat(20_000));
    for (let i = 0; i < 400; i++) await a.send(batch);
    await a.send(request('EXEC'));
  }),
  one('a million watched keys', (a) =>
    flood(a, 1000, (i) => long(['WATCH'], 1000, (k) => pad(i * 1000 + k, 100)), 10),
  ),
  one(
    'a command that waits for 600,000 keys',
    (a) => a.send(long(['BLPOP'], 600_001, (i) => (i === 600_000 ? '0' : pad(i, 50)))),
    true,
  ),
  {
    name: '1500 commands that wait for 500 keys each',
    async run(open) {
      for (let i = 0; i < 1500; i++) {
        const attacker = await open();
        const key = (k: number) => (k === 500 ? '0' : pad(i * 500 + k, 50));
        await attacker.send(long(['BLPOP'], 501, key));
      }
    },
  },
  one('a reader of 300,000 streams', (a) =>
    a.send(
      long(['XREAD', 'BLOCK', '0', 'STREAMS'], 600_000, (i) => (i < 300_000 ? pad(i, 40) : '$')),
    ),
  ),
  one('20,000 long prefixes to track', async (a) => {
    await a.do('HELLO', '3');
    const words = (i: number) => (k: number) => (k % 2 === 0 ? 'PREFIX' : pad(i * 500 + k, 10_000));
    await flood(a, 40, (i) => long(['CLIENT', 'TRACKING', 'ON', 'BCAST'], 1000, words(i)), 4);
  }),
  one('a million tracked keys of 4500 bytes', async (a) => {
    await a.do('HELLO', '3');
    await a.do('CLIENT', 'TRACKING', 'ON');
    await flood(a, 300_000, (i) => request('GET', pad(i, 4500)), 200);
  }),
  one('its own invalidations', async (a) => {
    await a.do('HELLO', '3');
    await a.do('CLIENT', 'TRACKING', 'ON');
    await fill(a, ['MSET'], 600_000, (i) => [pad(i, 30), 'v']);
    for (let i = 0; i < 600; i++) await a.send(long(['MGET'], 1000, (k) => pad(i * 1000 + k, 30)));
    await a.send(long(['DEL'], 600_000, (i) => pad(i, 30)));
  }),
  {
    name: 'small replies that nobody reads',
    brief: true,
    async run(open) {
      const attacker = await open();
      attacker.socket.pause();
      for (let i = 0; i < 60; i++) await attacker.send(Buffer.from('COMMAND\r\n'));
      await pause(300);
      for (let i = 0; i < 100_000 && attacker.isOpen; i++) {
        attacker.socket.write('PING\r\n');
        if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await pause(300);
    },
  },
  {
    name: 'messages to subscribers that read nothing',
    async run(open) {
      const [publisher, ...subscribers] = await Promise.all(Array.from({ length: 21 }, open));
      for (const each of subscribers) {
        await each.do('SUBSCRIBE', 'c');
        each.socket.pause();
      }
      await flood(publisher!, 200_000, () => request('PUBLISH', 'c', 'm'));
      await publisher!.finish();
    },
  },
  {
    name: 'monitors that read nothing',
    async run(open) {
      const [worker, ...monitors] = await Promise.all(Array.from({ length: 6 }, open));
      for (const each of monitors) {
        await each.send(request('MONITOR'));
        each.socket.pause();
      }
      await flood(worker!, 200_000, (i) => request('SET', 'k', pad(i, 30)));
      await worker!.finish();
    },
  },
  one('400,000 scripts', (a) => flood(a, 400_000, (i) => request('SCRIPT', 'LOAD', `return ${i}`))),
  one('scripts of 500 KB', (a) =>
    flood(a, 600, (i) => request('SCRIPT', 'LOAD', `return ${i} --${pad(i, 500_000)}`), 1),
  ),
  one('libraries of 1 MB', (a) =>
    flood(
      a,
      300,
      (i) => {
        const code = `redis.register_function('f${i}', function() return 1 end)`;
        return request('FUNCTION', 'LOAD', `#!lua name=l${i}\n${code} --${pad(i, 1_000_000)}`);
      },
      1,
    ),
  ),
  one('values of directives', (a) =>
    flood(
      a,
      60,
      (i) => {
        const name = ['masteruser', 'tls-ciphers', 'replica-announce-ip', 'syslog-ident'][i % 4]!;
        return request('CONFIG', 'SET', name, pad(i, 20_000_000));
      },
      1,
    ),
  ),
  one('codes of errors', (a) =>
    flood(
      a,
      200,
      (i) => request('EVAL', 'return redis.error_reply(ARGV[1])', '0', pad(i, 2_000_000)),
      1,
    ),
  ),
  {
    name: '9000 connections with half a request',
    async run(open) {
      for (let i = 0; i < 9000; i++) {
        const attacker = await open();
        await attacker.send(Buffer.from('*3\r\n$3\r\nSET\r\n$10\r\nabc'));
      }
    },
  },
];

const texts: readonly Attack[] = [
  huge('a client name', 'CLIENT', 'SETNAME', HUGE),
  huge('a channel', 'SUBSCRIBE', HUGE),
  huge('a channel to publish to', 'PUBLISH', HUGE, 'x'),
  huge('a pattern', 'PSUBSCRIBE', HUGE),
  huge('a watched key', 'WATCH', HUGE),
  huge('a key to wait for', 'BLPOP', HUGE, '0'),
  huge('a script', 'EVAL', HUGE, '0'),
  huge('a library', 'FUNCTION', 'LOAD', Buffer.concat([Buffer.from('#!lua name=x\n'), HUGE])),
  huge('a password', 'AUTH', HUGE),
  huge('a user', 'AUTH', HUGE, 'x'),
  huge('an unknown command', HUGE),
  huge('an unknown subcommand', 'CLIENT', HUGE),
  huge('a directive', 'CONFIG', 'GET', HUGE),
  huge('a value of a directive', 'CONFIG', 'SET', 'masteruser', HUGE),
  huge('a number', 'INCRBY', 'k', HUGE),
  huge('a float', 'INCRBYFLOAT', 'k', HUGE),
  huge('a score', 'ZADD', 'k', HUGE, 'm'),
  huge('an id', 'XADD', 'k', HUGE, 'f', 'v'),
  huge('a group', 'XGROUP', 'CREATE', 'k', HUGE, '$', 'MKSTREAM'),
  huge('an option', 'SET', 'k', 'v', HUGE),
  huge('a section', 'INFO', HUGE),
  huge('a sort pattern', 'SORT', 'k', 'BY', HUGE),
  huge('a library name', 'CLIENT', 'SETINFO', 'lib-name', HUGE),
  huge('a name in HELLO', 'HELLO', '3', 'SETNAME', HUGE),
  huge('a type', 'SCAN', '0', 'TYPE', HUGE),
  huge('a restored value', 'RESTORE', 'k', '0', HUGE),
  huge('a prefix', 'CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', HUGE),
  {
    name: 'a huge text: keys that events, trackers and waiting clients are told of',
    async run(open) {
      const [a, b, c, d] = await Promise.all(Array.from({ length: 4 }, open));
      await a!.do('CONFIG', 'SET', 'notify-keyspace-events', 'KEA');
      await b!.do('PSUBSCRIBE', '*');
      await c!.do('HELLO', '3');
      await c!.do('CLIENT', 'TRACKING', 'ON', 'BCAST');
      await d!.send(request('BLPOP', 'none', '0'));
      await a!.do('WATCH', 'w');
      for (const words of [
        ['SET', HUGE, '1'],
        ['LPUSH', Buffer.concat([HUGE, HUGE.subarray(0, 9)]), '1'],
      ]) {
        await a!.send(request(...words), 20_000);
        await a!.finish();
      }
      await c!.do('CLIENT', 'TRACKING', 'OFF');
      await c!.do('CLIENT', 'TRACKING', 'ON');
      await c!.send(request('GET', HUGE), 20_000);
      await c!.finish();
      await a!.send(request('DEL', HUGE), 20_000);
      await a!.finish();
    },
  },
];

const many = (verb: string, count: number, word: (i: number) => string, ...tail: string[]) =>
  one(`many arguments: ${verb}`, async (a) => {
    const words = [...verb.split(' ')];
    await a.send(
      long(words, count + tail.length, (i) => (i < count ? word(i) : tail[i - count]!)),
      20_000,
    );
  });

const arguments_: readonly Attack[] = [
  many('ZADD k', 2_000_000, (i) => (i % 2 === 0 ? String(i) : pad(i, 8))),
  many('MSET', 2_000_000, (i) => pad(i, 8)),
  many('HSET h', 2_000_000, (i) => pad(i, 8)),
  many('SADD s', 2_000_000, (i) => pad(i, 8)),
  many('GEOADD g', 1_500_000, (i) => (i % 3 === 2 ? pad(i, 8) : String(i % 80))),
  many('PFADD p', 2_000_000, (i) => pad(i, 8)),
  many('BITFIELD b', 1_800_000, (i) => ['GET', 'u8', '0'][i % 3]!),
  many('XADD x *', 1_000_000, (i) => pad(i, 8)),
  many('XDEL x', 1_000_000, (i) => `${i}-1`),
  many('XACK x g', 1_000_000, (i) => `${i}-1`),
  many('COMMAND INFO', 1_000_000, () => 'get'),
  many('COMMAND DOCS', 1_000_000, (i) => pad(i, 8)),
  many('COMMAND GETKEYS MSET', 1_000_000, (i) => pad(i, 8)),
  many('CONFIG GET', 1_000_000, (i) => pad(i, 8)),
  many('INFO', 1_000_000, (i) => pad(i, 8)),
  many('CLIENT LIST ID', 1_000_000, (i) => String(i)),
  many('SCRIPT EXISTS', 1_000_000, (i) => pad(i, 8)),
  many('UNSUBSCRIBE', 1_000_000, (i) => pad(i, 8)),
  many('PUBSUB NUMSUB', 1_000_000, (i) => pad(i, 8)),
  many('SUNION', 1_000_000, (i) => pad(i, 8)),
  many('SINTERCARD 1000000', 1_000_000, (i) => pad(i, 8)),
  many('ZUNION 1000000', 1_000_000, (i) => pad(i, 8)),
  many('PFCOUNT', 1_000_000, (i) => pad(i, 8)),
  many('BITOP AND d', 1_000_000, (i) => pad(i, 8)),
  many('LMPOP 1000000', 1_000_000, (i) => pad(i, 8), 'LEFT'),
  many('EVAL return{#KEYS} 1000000', 1_000_000, (i) => pad(i, 8)),
  many('SORT l', 400_000, (i) => (i % 2 === 0 ? 'GET' : '#')),
  many('MGET', 2_000_000, (i) => pad(i, 8)),
  many('CONFIG GET', 12_000_000, (i) => pad(i, 8)),
  many('ZADD k', 16_000_000, (i) => String(i % 1000)),
  many('OBJECT HELP', 1_000_000, (i) => pad(i, 8)),
];

/** Commands with a large answer, after what fills the keys they read. */
const results: readonly Attack[] = [
  one('large answers of sets', async (a) => {
    await fill(a, ['SADD', 's'], 2_000_000, (i) => [pad(i, 10)]);
    for (const line of [
      'SMEMBERS s',
      'SUNION s s',
      'SDIFF s t',
      'SINTER s s',
      'SORT s ALPHA',
      'SRANDMEMBER s 1999999',
      'SRANDMEMBER s -3000000',
      'SUNIONSTORE d s s',
      'SSCAN s 0 COUNT 3000000',
      'SPOP s 1999990',
    ]) {
      await a.do(...line.split(' '));
    }
  }),
  one('large answers of sorted sets', async (a) => {
    await fill(a, ['ZADD', 'z'], 1_500_000, (i) => [String(i), pad(i, 10)]);
    for (const line of [
      'ZRANGE z 0 -1 WITHSCORES',
      'ZUNION 2 z z',
      'ZINTER 2 z z',
      'ZDIFF 2 z t',
      'ZRANDMEMBER z 1499999',
      'ZRANDMEMBER z -2000000 WITHSCORES',
      'ZUNIONSTORE d 2 z z',
      'SORT z BY nosort',
      'SORT z ALPHA',
      'GEOSEARCH z FROMLONLAT 0 0 BYRADIUS 22000 km ASC',
      'ZPOPMIN z 1400000',
    ]) {
      await a.do(...line.split(' '));
    }
  }),
  one('large answers about places', async (a) => {
    await fill(a, ['GEOADD', 'g'], 700_000, (i) => [String(i % 170), String(i % 80), pad(i, 10)]);
    await a.do(
      'GEOSEARCH',
      'g',
      'FROMLONLAT',
      '50',
      '20',
      'BYRADIUS',
      '22000',
      'km',
      'ASC',
      'WITHCOORD',
      'WITHDIST',
    );
    await a.do('GEOSEARCHSTORE', 'd', 'g', 'FROMLONLAT', '50', '20', 'BYRADIUS', '22000', 'km');
  }),
  one('large answers of hashes and lists', async (a) => {
    await fill(a, ['HSET', 'h'], 1_000_000, (i) => [pad(i, 10), 'v']);
    await fill(a, ['RPUSH', 'l'], 2_000_000, (i) => [pad(i, 10)]);
    for (const line of [
      'HGETALL h',
      'HRANDFIELD h 999999 WITHVALUES',
      'HRANDFIELD h -2000000',
      'HSCAN h 0 COUNT 2000000',
      'LRANGE l 0 -1',
      'SORT l ALPHA',
      'SORT l ALPHA STORE d',
      'LPOS l x COUNT 0',
      'LPOP l 1900000',
    ]) {
      await a.do(...line.split(' '));
    }
  }),
  one('large answers of streams', async (a) => {
    for (let i = 0; i < 700; i++) {
      await a.send(
        Buffer.concat(Array.from({ length: 1000 }, () => request('XADD', 'x', '*', 'f', 'v'))),
      );
    }
    for (const line of [
      'XRANGE x - +',
      'XGROUP CREATE x g 0',
      'XREADGROUP GROUP g c COUNT 700000 STREAMS x >',
      'XPENDING x g - + 700000',
      'XAUTOCLAIM x g d 0 0 COUNT 700000',
      'XAUTOCLAIM x g d 0 0 COUNT 700000 JUSTID',
      'XINFO STREAM x FULL COUNT 0',
      'XREAD COUNT 700000 STREAMS x 0',
    ]) {
      await a.do(...line.split(' '));
    }
  }),
  one('large answers about keys', async (a) => {
    await fill(a, ['MSET'], 2_000_000, (i) => [pad(i, 20), 'v']);
    for (const line of ['KEYS *', 'SCAN 0 COUNT 3000000', 'DEBUG DIGEST', 'FLUSHALL'])
      await a.do(...line.split(' '));
  }),
  one('large answers about channels', async (a) => {
    const b = a;
    await flood(b, 100_000, (i) => request('SSUBSCRIBE', pad(i, 100)));
    await a.do('PUBSUB', 'SHARDCHANNELS');
  }),
  one('a script that calls for much', async (a) => {
    await a.do('EVAL', "for i=1,100000 do redis.call('SET', 'key:'..i, 'v') end", '0');
    await a.do('EVAL', "return redis.call('KEYS', '*')", '0');
    await a.do('EVAL', 'local t={} for i=1,1000000 do t[i]=i end return t', '0');
    await a.do('EVAL', "return string.rep('x', 100000000)", '0');
  }),
];

export const heapAttacks: readonly Attack[] = [...holders, ...texts, ...arguments_, ...results];
