/**
 * COMMAND next to the oracle's: the shape of its replies in both protocols, what DOCS says of
 * arguments (which are required, which repeat, which key specification they belong to), the keys of
 * command lines, and the filters of LIST.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Connection } from '../harness/connection.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import type { Reply } from '../harness/reply.ts';
import type { ServerProcess } from '../harness/server-process.ts';

/** Commands whose arguments are described otherwise, by reason. */
const otherArguments: Readonly<Record<string, string>> = {
  'options of later versions':
    'client|kill hscan set xadd xreadgroup xtrim zinter zinterstore zrank zrevrank zunion ' +
    'zunionstore bitop',
  'lists of types spelled out': 'client|list',
  'a block around one argument, or none around several':
    'config|get module|loadex psubscribe xread',
  'STORE and STOREDIST exclude each other': 'georadius georadiusbymember',
  'arguments that 7.0.15 leaves out': 'command|getkeys command|getkeysandflags',
  'sources that may be missing': 'pfmerge',
  'alternatives that are optional once more': 'migrate',
};

/** Command lines whose keys both are asked for. */
const lines = [
  'GET k',
  'SET k v',
  'SET k v GET',
  'SET k v EX 5 GET NX',
  'SET k v NOSUCH',
  'SETEX k 5 v',
  'GETSET k v',
  'GETEX k EX 5',
  'GETDEL k',
  'MSET a 1 b 2',
  'MGET a b c',
  'LCS a b LEN',
  'LMOVE a b LEFT RIGHT',
  'BLMOVE a b LEFT RIGHT 0',
  'BLPOP a b 0',
  'LMPOP 2 a b LEFT',
  'LMPOP 3 a b LEFT',
  'BLMPOP 0 1 a LEFT',
  'ZMPOP 1 a MIN',
  'ZADD z 1 m',
  'ZADD z INCR 1 m',
  'ZUNION 2 a b',
  'ZUNIONSTORE d 2 a b',
  'ZRANGESTORE d s 0 1',
  'ZDIFF 0 a',
  'SINTERCARD 2 a b',
  'SDIFFSTORE d a b',
  'SMOVE a b m',
  'BITFIELD k GET u8 0',
  'BITFIELD k SET u8 0 1',
  'BITFIELD k GET u8 0 INCRBY u8 0 1',
  'BITFIELD k NOSUCH',
  'BITFIELD_RO k GET u8 0',
  'BITOP AND d a b',
  'XREAD STREAMS a b 0 0',
  'XREAD COUNT 5 STREAMS a 0',
  'XREAD STREAMS a b 0',
  'XREADGROUP GROUP g c STREAMS a >',
  'XADD s * f v',
  'SORT k BY p STORE d',
  'SORT k BY STORE GET STORE STORE a STORE d',
  'SORT k LIMIT 0 STORE d',
  'SORT k',
  'SORT_RO k',
  'GEORADIUS k 1 1 1 m STORE d',
  'GEORADIUS k 1 1 1 m',
  'GEOSEARCHSTORE d s FROMMEMBER m BYRADIUS 1 m',
  'OBJECT ENCODING k',
  'OBJECT HELP',
  'XINFO STREAM s',
  'XGROUP CREATE s g $',
  'PFCOUNT a b',
  'PFMERGE d a',
  'COPY a b',
  'RENAME a b',
  'DEL a b',
  'DUMP k',
  'RESTORE k 0 x',
  'MIGRATE h 1 k 0 1',
  'MIGRATE h 1 k 0 1 COPY REPLACE',
  'MIGRATE h 1 k 0 1 KEYS a',
  'MIGRATE h 1 k 0 1 KEYS',
  'MIGRATE h 1 k 0 1 AUTH KEYS',
  'MIGRATE h 1 k 0 1 AUTH2 KEYS KEYS COPY',
  'MIGRATE h 1 k 0 1 AUTH',
  'MEMORY USAGE k',
  'SUBSCRIBE c',
  'PUBLISH c m',
  'SPUBLISH c m',
  'EXPIRE k 1',
  'PING',
  'NOSUCH a',
  'GET',
  'GET a b',
  'CONFIG GET x',
];

describeWithOracle('COMMAND', () => {
  let oracleServer: ServerProcess;
  const ours = new Map<2 | 3, Connection>();
  const oracle = new Map<2 | 3, Connection>();

  beforeAll(async () => {
    oracleServer = await startOracle();
    const server = await startServer();
    for (const version of [2, 3] as const) {
      ours.set(version, await connectTo(server, version));
      const connection = await oracleServer.connect();
      if (version === 3) await connection.call('HELLO', '3');
      oracle.set(version, connection);
    }
  });
  afterAll(async () => {
    await closeAll();
    await oracleServer.stop();
  });

  const ask = async (version: 2 | 3, ...words: string[]) =>
    [await ours.get(version)!.call(...words), await oracle.get(version)!.call(...words)] as const;

  for (const version of [2, 3] as const) {
    it(`INFO, DOCS and LIST have the same shape in RESP${version}`, async () => {
      const [mine, theirs] = await ask(version, 'COMMAND');
      const [a, b] = [shapesOf(mine), shapesOf(theirs)];
      for (const name of Object.keys(b))
        if (name in a) expect(`${name}: ${a[name]}`).toBe(`${name}: ${b[name]}`);
      const docs = ['blpop', 'zmpop', 'lmove', 'config', 'nosuch', 'substr'];
      const [myDocs, theirDocs] = await ask(version, 'COMMAND', 'DOCS', ...docs);
      expect(myDocs.kind).toBe(theirDocs.kind);
      for (const words of ['LIST', 'COUNT', 'LIST FILTERBY PATTERN xx*', 'GETKEYSANDFLAGS GET k']) {
        const [a, b] = await ask(version, 'COMMAND', ...words.split(' '));
        expect(a.kind, words).toBe(b.kind);
      }
    });
  }

  it('GETKEYS and GETKEYSANDFLAGS say the same', async () => {
    const differences: string[] = [];
    for (const line of lines) {
      for (const sub of ['GETKEYS', 'GETKEYSANDFLAGS']) {
        const [a, b] = (await ask(3, 'COMMAND', sub, ...line.split(' '))).map(textOf);
        if (a !== b) differences.push(`${sub} ${line}: ours ${a}, oracle ${b}`);
      }
    }
    expect(differences).toEqual([]);
  });

  it('GETKEYSANDFLAGS finds the keys of MIGRATE after KEYS', async () => {
    const lines = [
      '',
      'KEYS',
      'KEYS a',
      'COPY KEYS a b',
      'AUTH KEYS KEYS a',
      'AUTH2 u KEYS KEYS a',
    ];
    lines.push('AUTH KEYS a', 'AUTH2 KEYS KEYS KEYS keys a', 'AUTH', 'AUTH2 a', 'nosuch KEYS a');
    const head = ['COMMAND', 'GETKEYSANDFLAGS', 'MIGRATE', 'h', '1', '', '0', '1'];
    for (const line of lines) {
      const [a, b] = await ask(3, ...head, ...line.split(' ').filter(Boolean));
      expect(textOf(a), line).toBe(textOf(b));
    }
  });

  it('LIST FILTERBY lets the same commands through', async () => {
    const all = async (...words: string[]) =>
      (await ask(2, 'COMMAND', 'LIST', ...words)).map((reply) => new Set(wordsOf(reply)));
    const [mine, theirs] = await all();
    const shared = (found: Set<string>) =>
      [...found].filter((name) => mine!.has(name) && theirs!.has(name)).sort();
    for (const filter of [
      'ACLCAT string',
      'ACLCAT STRING',
      'ACLCAT dangerous',
      'ACLCAT nosuch',
      'PATTERN *a*',
      'PATTERN xgroup|*',
      'PATTERN CONFIG*',
      'PATTERN get',
      'MODULE nosuch',
    ]) {
      const [a, b] = await all('FILTERBY', ...filter.split(' '));
      expect(shared(a!), filter).toEqual(shared(b!));
    }
    for (const words of ['FILTERBY', 'FILTERBY x', 'FILTERBY ACLCAT', 'FILTERBY NO x', 'x y']) {
      const [a, b] = await ask(2, 'COMMAND', 'LIST', ...words.split(' '));
      expect(textOf(a), words).toBe(textOf(b));
    }
  });

  it('DOCS describes the same arguments', async () => {
    const allowed = Object.values(otherArguments).flatMap((names) => names.split(' '));
    const [mine, theirs] = (await ask(3, 'COMMAND', 'DOCS')).map(docsOf);
    const differences = new Map<string, string>();
    for (const [name, wanted] of theirs!) {
      const have = mine!.get(name);
      if (have === undefined || have === wanted) continue;
      differences.set(name, `${name}\n  ours   ${have}\n  oracle ${wanted}`);
    }
    const unknown = [...differences].filter(([name]) => !allowed.includes(name));
    expect(unknown.map(([, text]) => text)).toEqual([]);
    expect(allowed.filter((name) => !differences.has(name))).toEqual([]);
  });
});

/**
 * Of each command of COMMAND INFO, the kinds of its parts; subcommands by name, as the reference server
 * has them in no order.
 */
function shapesOf(reply: Reply, shapes: Record<string, string> = {}): Record<string, string> {
  for (const entry of 'items' in reply ? reply.items : []) {
    if (!('items' in entry)) continue;
    shapes[textOf(entry.items[0]!)] = entry.items.map(({ kind }) => kind).join(' ');
    shapesOf(entry.items[9]!, shapes);
  }
  return shapes;
}

/** A reply in one line; sets in alphabetical order. */
function textOf(reply: Reply): string {
  if ('bytes' in reply) return reply.bytes.toString('latin1');
  if (!('items' in reply)) return reply.kind;
  const items = reply.items.map(textOf);
  return `${reply.kind}(${(reply.kind === 'set' ? items.sort() : items).join(' ')})`;
}

function wordsOf(reply: Reply): string[] {
  return 'items' in reply ? reply.items.map(textOf) : [];
}

function fieldsOf(reply: Reply | undefined): Map<string, Reply> {
  const items = reply !== undefined && 'items' in reply ? reply.items : [];
  const pairs = items.flatMap((item, i) =>
    i % 2 === 0 ? [[textOf(item), items[i + 1]!] as const] : [],
  );
  return new Map(pairs);
}

/** Of each command and subcommand, its arguments in one line, without their names. */
function docsOf(reply: Reply): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, docs] of fieldsOf(reply)) {
    const fields = fieldsOf(docs);
    found.set(name, argumentsText(fields.get('arguments')));
    const subcommands = fields.get('subcommands');
    if (subcommands === undefined) continue;
    for (const [sub, text] of docsOf(subcommands)) found.set(sub, text);
  }
  return found;
}

function argumentsText(reply: Reply | undefined): string {
  if (reply === undefined || !('items' in reply)) return '';
  return reply.items
    .map((argument) => {
      const fields = fieldsOf(argument);
      const of = (name: string) => (fields.has(name) ? textOf(fields.get(name)!) : '');
      // 7.0.15 calls weights integers, which they need not be.
      const type = of('type') === 'double' ? 'integer' : of('type');
      const inner = argumentsText(fields.get('arguments'));
      const key = fields.has('key_spec_index') ? `#${of('key_spec_index')}` : '';
      return `${of('token')} ${type}${key} ${of('flags')} ${inner === '' ? '' : `{ ${inner} }`}`;
    })
    .join(', ');
}
