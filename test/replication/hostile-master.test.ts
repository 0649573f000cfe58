/**
 * Masters that mean ill: random bytes in every phase, wrong lengths, line ends without end, lies
 * about ids and offsets, streams of any commands there are. The replica neither fails nor loses its
 * own data before it has all of another's. Some hundred sessions; 10,000 in the long tier.
 */
import { afterEach, expect, it } from 'vitest';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';
import { encodeCommand } from '../harness/reply.ts';
import {
  MARK,
  REPLID,
  type ReplicaLink,
  rdbOf,
  ScriptedMaster,
} from '../harness/scripted-master.ts';
import { SEED } from '../harness/seed.ts';

const FULL = process.env['RESPITE_FULL'] === '1';
const SESSIONS = FULL ? 10_000 : 300;

afterEach(closeAll);

/** Uniform numbers, repeatable. */
class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 1;
  }

  below(n: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * n);
  }

  bytes(max: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(max) }, () => this.below(256)));
  }

  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

/** What would end the server, its files or the test. */
const forbidden = /^(shutdown|debug|config|save|bgsave|bgrewriteaof|acl|latency|slowlog)$/;

const words = [
  '',
  '0',
  '1',
  '-1',
  '99',
  'a',
  'own',
  'x',
  '*',
  '>',
  '$',
  '+inf',
  'GETACK',
  'ACK',
  'ON',
  'NO',
  'ONE',
  'GT',
  'COUNT',
];

function command(dice: Dice, names: readonly string[]): Buffer {
  const argv = [dice.one(names), ...Array.from({ length: dice.below(6) }, () => dice.one(words))];
  return encodeCommand(argv);
}

/** Bytes of a stream: commands, some of them damaged. */
function stream(dice: Dice, names: readonly string[]): Buffer {
  const parts = Array.from({ length: dice.below(30) }, () => {
    const bytes = command(dice, names);
    switch (dice.below(20)) {
      case 0:
        return bytes.subarray(0, dice.below(bytes.length));
      case 1:
        bytes[dice.below(bytes.length)] = dice.below(256);
        return bytes;
      case 2:
        return Buffer.from(`*${dice.below(3) * 1e9}\r\n$${dice.below(5) * 1e8}\r\n`);
      case 3:
        return Buffer.from('\n'.repeat(dice.below(100)));
      case 4:
        return dice.bytes(50);
      default:
        return bytes;
    }
  });
  return Buffer.concat(parts);
}

/** Plays one session. Answers whether all of another's data may have come. */
async function session(dice: Dice, link: ReplicaLink, names: readonly string[]): Promise<boolean> {
  const kind = dice.below(10);
  if (kind === 0) {
    link.send(dice.bytes(2000));
    return false;
  }
  if (kind === 1) {
    link.send('\n'.repeat(dice.below(100_000)));
    return false;
  }
  if (kind === 2) {
    link.send('+'.repeat(dice.below(50_000)));
    return false;
  }
  await link.handshake();
  if (kind === 3) {
    link.send(dice.one(['+CONTINUE', `+CONTINUE ${'e'.repeat(40)}`, '+CONTINUE zz'])).send('\r\n');
    link.send(stream(dice, names));
    // It goes on with the replica's own history: its commands may do anything.
    return true;
  }
  if (kind === 4) {
    link.send(
      `${dice.one(['+FULLRESYNC', '-ERR', '+', '$', '*3', '-NOMASTERLINK'])} ${dice.bytes(40).toString('latin1')}\r\n`,
    );
    link.send(dice.bytes(300));
    return false;
  }
  const rdb = rdbOf({ theirs: 'x'.repeat(dice.below(500)) });
  const offset = dice.one([0, 1, 100, 2 ** 40]);
  if (kind === 5) {
    const announced = dice.one([
      `$${dice.below(1e6)}`,
      `$-${dice.below(9)}`,
      '$EOF:short',
      `$${'9'.repeat(30)}`,
    ]);
    link.send(`+FULLRESYNC ${REPLID} ${offset}\r\n${announced}\r\n`).send(dice.bytes(5000));
    return false;
  }
  if (kind === 6) {
    rdb[9 + dice.below(rdb.length - 9)] = dice.below(256);
    link.send(`+FULLRESYNC ${REPLID} ${offset}\r\n$EOF:${MARK}\r\n`).send(rdb).send(MARK);
    return true;
  }
  if (kind === 7) {
    link.send(`+FULLRESYNC ${REPLID} ${offset}\r\n$${rdb.length}\r\n`);
    link.send(rdb.subarray(0, dice.below(rdb.length)));
    return false;
  }
  link.full(rdb, offset, dice.one(['length', 'eof']));
  link.send(stream(dice, names));
  return true;
}

it(`survives ${SESSIONS} sessions`, { timeout: 600_000 }, async () => {
  const dice = new Dice(SEED);
  const bugs: string[] = [];
  const server = await startServer(
    { 'repl-diskless-load': 'swapdb', 'client-query-buffer-limit': '2mb' },
    { log: (text) => void (text.includes('Internal error') && bugs.push(text)) },
  );
  const names = [...server.commands]
    .map(({ fullName }) => fullName)
    .filter((name) => !forbidden.test(name));
  const master = await ScriptedMaster.start();
  let client = await Talker.open(server);
  for (let i = 0; i < SESSIONS; i++) {
    if (server.replica.master !== undefined) server.replica.promote();
    if (!client.connection.isOpen) client = await Talker.open(server);
    await client.ask('SET own mine');
    server.replica.follow(i % 2 === 0 ? '127.0.0.1' : 'localhost', master.port);
    const link = await master.accept();
    let mayBeGone = true;
    try {
      mayBeGone = await session(dice, link, names);
    } catch {
      // It hung up already.
    }
    if (dice.below(2) === 0) link.break();
    // What was sent is dealt with: it answers, and knows its own data.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (!client.connection.isOpen) client = await Talker.open(server);
    expect(await client.ask('ECHO alive')).toMatch(/alive|LOADING/);
    link.break();
    if (mayBeGone) continue;
    let own = '';
    do own = await client.ask('GET own');
    while (own.includes('LOADING'));
    expect(own, `session ${i}`).toBe('$4 mine');
  }
  server.replica.promote();
  expect(bugs).toEqual([]);
  expect(server.clients.size).toBeLessThan(10);
  await master.close();
});
