/**
 * Users in files: the ACL file, read and written by this server and by redis-server, and `user` lines
 * of redis.conf.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { joinSelectors } from '../../src/acl/rule-words.ts';
import type { User } from '../../src/acl/user.ts';
import { Users } from '../../src/acl/users.ts';
import { Config } from '../../src/config/config.ts';
import { configWords } from '../../src/server/acl-text.ts';
import { Server } from '../../src/server/server.ts';
import { splitWords } from '../../src/util/words.ts';
import { Connection } from '../harness/connection.ts';
import { atClose, closeAll, startServer, Talker } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { format } from '../harness/reply.ts';
import { SEED } from '../harness/seed.ts';
import { xorshift } from './random.ts';

const FULL = process.env['RESPITE_FULL'] === '1';

afterEach(closeAll);

function directory(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-acl-'));
  atClose(() => rmSync(dir, { recursive: true }));
  return dir;
}

function configured(text: string, log: (line: string) => void = () => {}): Server {
  const config = new Config();
  config.loadText(`port 0\n${text}`, 'test.conf');
  return new Server(config, { log });
}

describe('the ACL file', () => {
  it('is read at start and written by ACL SAVE, whole or not at all', async () => {
    const dir = directory();
    const file = path.join(dir, 'users.acl');
    writeFileSync(file, 'user alice on >pw ~a* +get\n\n  user bob off  \n', { mode: 0o640 });
    const server = await startServer({ dir, aclfile: 'users.acl' });
    const client = await Talker.open(server);
    expect(await client.ask('ACL USERS')).toBe('*3 $5 alice $3 bob $7 default');
    expect(await client.ask('ACL SETUSER carol on nopass ~c &c +@read')).toBe('+OK');
    expect(await client.ask('ACL SAVE')).toBe('+OK');
    expect(readFileSync(file, 'latin1')).toBe(
      'user alice on #30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4 ~a* ' +
        'resetchannels -@all +get\n' +
        'user bob off resetchannels -@all\n' +
        'user carol on nopass ~c resetchannels &c -@all +@read\n' +
        'user default on nopass ~* &* +@all\n',
    );
    expect(statSync(file).mode & 0o777).toBe(0o640);
    writeFileSync(
      file,
      'user alice on nopass +@all\nuser default on >secret +@all\nuser x +nosuch\n',
    );
    expect(await client.ask('ACL LOAD')).toMatch(/^-ERR users.acl:3: Error in applying/);
    expect(await client.ask('ACL USERS')).toBe('*4 $5 alice $3 bob $5 carol $7 default');
    writeFileSync(file, 'user alice on nopass +@all\n');
    expect(await client.ask('ACL LOAD')).toBe('+OK');
    expect(await client.ask('ACL USERS')).toBe('*2 $5 alice $7 default');
  });

  it('stays secret when it is new, and a failed save says so', async () => {
    const dir = directory();
    const lines: string[] = [];
    writeFileSync(path.join(dir, 'users.acl'), '');
    const server = await startServer({ dir, aclfile: 'users.acl' }, { log: (l) => lines.push(l) });
    const client = await Talker.open(server);
    rmSync(path.join(dir, 'users.acl'));
    expect(await client.ask('ACL SAVE')).toBe('+OK');
    expect(statSync(path.join(dir, 'users.acl')).mode & 0o777).toBe(0o600);
    server.config.assign('aclfile', '/nonexistent/users.acl');
    expect(await client.ask('ACL SAVE')).toMatch(
      /^-ERR There was an error trying to save the ACLs/,
    );
    expect(lines.join('')).toContain('Writing ACL file for ACL SAVE: No such file or directory');
    expect(await client.ask('ACL LOAD')).toMatch(/^-ERR Error loading ACLs, opening file/);
  });

  it('must be there, and be right', () => {
    const dir = directory();
    const start = () => configured(`dir ${dir}\naclfile users.acl`);
    expect(start).toThrow(/opening file 'users.acl': No such file or directory/);
    writeFileSync(path.join(dir, 'users.acl'), 'user x +nosuch');
    expect(start).toThrow(/users.acl:1: Error in applying operation '\+nosuch'/);
  });

  it('ends the connections of all but the default user when it is loaded again', async () => {
    const dir = directory();
    const file = path.join(dir, 'users.acl');
    writeFileSync(file, 'user alice on nopass ~* &* +@all');
    const server = await startServer({ dir, aclfile: file });
    const [admin, alice] = [await Talker.open(server), await Talker.open(server)];
    expect(await alice.ask('AUTH alice x')).toBe('+OK');
    expect(await admin.ask('ACL LOAD')).toBe('+OK');
    await alice.connection.closed();
    expect(await admin.ask('PING')).toBe('+PONG');
  });
});

describe('user lines of redis.conf', () => {
  it('make users, and rules of the default one replace requirepass', async () => {
    const lines: string[] = [];
    const server = configured(
      'requirepass pw\nuser default on >other ~* +@all\nuser "a\\x22b" on nopass "~q\\"" (+get ~z) ' +
        '( +set ~y )\nuser late off',
      (line) => lines.push(line),
    );
    expect(server.acl.users.all().map(({ name }) => name)).toEqual(['a"b', 'default', 'late']);
    const { users } = server.acl;
    expect(users.default.accepts(Buffer.from('pw'))).toBe(false);
    expect(users.default.accepts(Buffer.from('other'))).toBe(true);
    expect(users.get('a"b')!.describe()).toEqual([
      ...['on', 'nopass', '~q"', 'resetchannels', '-@all'],
      ...['(~z resetchannels -@all +get)', '(~y resetchannels -@all +set)'],
    ]);
    expect(server.gates.passwordRequired).toBe(true);
    expect(lines.join('')).toContain("The user 'late' is disabled");
    await server.close();
  });

  for (const [text, problem] of [
    ['user x on\naclfile users.acl', /either an aclfile or user lines/],
    ['user x on\nuser x off', /Duplicate user found/],
    ['user x +nosuch', /Unknown command or category name in ACL/],
    ['user x ~* ~a', /Adding a pattern after the \* pattern/],
    ['user "a b" on', /Spaces not allowed/],
    ['user x (+get', /Unmatched parenthesis/],
    ['user x >pw <other', /does not exist/],
  ] as const) {
    it(`stop the start: ${text.replace('\n', '; ')}`, () => {
      expect(() => configured(text)).toThrow(problem);
    });
  }

  it('are written by CONFIG REWRITE and read again', async () => {
    const dir = directory();
    const file = path.join(dir, 'r.conf');
    writeFileSync(file, 'port 0\nuser old on nopass +@all\n');
    const config = new Config();
    config.loadFile(file);
    const server = new Server(config, { log: () => {} });
    const by = { transaction: { isOpen: false } } as never;
    const { acl } = server;
    acl.setUser('new', ['on', '>p', '~"', "~'x", '%R~\\', '(~a)b +get)', '&"c', '+select|0'], by);
    acl.deleteUsers(['old'], by);
    config.rewrite();
    const text = readFileSync(file, 'latin1');
    expect(text).not.toContain('user old');
    const again = new Config();
    again.loadFile(file);
    const next = new Server(again, { log: () => {} });
    expect(next.acl.users.lines()).toEqual(
      acl.users
        .lines()
        .map((line) => line.replace('default on nopass', 'default on nopass sanitize-payload')),
    );
    await Promise.all([server.close(), next.close()]);
  });
});

describe(`random users (seed ${SEED})`, () => {
  const COUNT = FULL ? 100_000 : 1_000;
  const { acl } = configured('');
  const rules = (acl as unknown as { rules: ConstructorParameters<typeof Users>[0] }).rules;

  /** Mostly what quoting has to do with, but neither spaces nor NUL. */
  function text(random: () => number): string {
    const pool = '"\'\\()[]{}~%&+-@#<>!|*?:;,.=$`x1AaZ\x01\x1b\x7f\x80\xff\xa0é';
    const length = Math.floor(random() * 8);
    return Array.from({ length }, () => pool[Math.floor(random() * pool.length)]).join('');
  }

  function randomUser(random: () => number): User {
    const pattern = () => ['~', '%R~', '%W~', '&'][Math.floor(random() * 4)] + text(random);
    const user = acl.users.create(`u${text(random)}`);
    const some = () => Array.from({ length: Math.floor(random() * 4) }, pattern);
    const given = [...some(), '+get', `+select|${text(random).replaceAll('|', '') || '0'}`, '>pw'];
    for (const rule of given) if (!/^[~&]\*$/.test(rule)) user.apply(rule);
    for (let i = 0; i < 2; i++) {
      user.apply('(+set)');
      for (const rule of some()) if (!/^[~&]\*$/.test(rule)) user.selectors.at(-1)!.apply(rule);
    }
    return user;
  }

  const sameAs = (a: User, b: User | undefined) => {
    expect(b?.describe()).toEqual(a.describe());
    for (const [i, selector] of a.selectors.entries()) {
      expect(b!.selectors[i]!.describe()).toEqual(selector.describe());
    }
  };

  it(`${COUNT} of them survive an ACL file`, { timeout: COUNT * 10 }, () => {
    const random = xorshift(SEED);
    for (let n = 0; n < COUNT; n += 100) {
      const users = new Users(rules);
      for (let i = 0; i < 100; i++) users.add(randomUser(random));
      const found = users.parse(users.lines().join('\n'), 'f');
      if (typeof found === 'string') throw new Error(found);
      for (const user of users.all()) sameAs(user, found.get(user.name));
    }
  });

  it(`${COUNT} of them survive redis.conf`, { timeout: COUNT * 10 }, () => {
    const random = xorshift(SEED + 1);
    for (let n = 0; n < COUNT; n++) {
      const user = randomUser(random);
      const [name = '', ...words] = splitWords(configWords(user)) ?? [];
      const joined = joinSelectors(words);
      if ('unclosed' in joined) throw new Error(joined.unclosed);
      const copy = acl.users.create(name);
      for (const rule of joined.rules) copy.apply(rule);
      expect(name).toBe(user.name);
      sameAs(user, copy);
    }
  });
});

describeWithOracle('ACL files next to redis-server', () => {
  const contents = [
    '',
    '\n\n  \n',
    'user a on nopass ~* +@all',
    'user a on nopass ~* +@all\r\nuser b off\r\n',
    'user a   on    nopass',
    '  user a on  ',
    'user a ( +get ~x ) (+set ~y) on',
    'user a ( +get ~x on',
    'user a on )',
    'user',
    'user ',
    'users a on',
    'USER a on',
    '# comment',
    'user a on\nuser a off',
    'user default off nopass ~* +@all',
    'user default on >pw ~* &* +@all',
    'user a\ton',
    'user a on\t nopass',
    'user a +nosuch -nosuch +@nosuch',
    'user a ~* ~b &* &c',
    'user a #abc +nosuch ~\x01',
    'user a on "nopass"',
    'user a on ~"x y"',
    'user "a b" on',
    'user a +get|x +config|nosuch +config|get',
    'user a reset on clearselectors skip-sanitize-payload',
    'user a >pw <other',
    'user a >pw <pw',
    'user \x80\xff on ~\xe9*',
    'user a (~"x) on',
    'user a (%~x)',
    'user a +get\n\nuser b +nosuch\nuser c ~* ~*x\nfoo',
  ];

  it('come to the same users, or are refused in the same words', async () => {
    const dir = directory();
    writeFileSync(path.join(dir, 'users.acl'), '');
    const oracleFile = path.join(directory(), 'users.acl');
    writeFileSync(oracleFile, '');
    const oracle = await startOracle(['--aclfile', oracleFile]);
    atClose(() => oracle.stop());
    const server = await startServer({ dir, aclfile: 'users.acl' });
    const [ours, theirs] = [await Talker.open(server), await Connection.open(oracle.port)];
    atClose(() => theirs.close());
    const text = async (connection: Connection, ...words: string[]) =>
      format(await connection.call(...words)).replaceAll(oracleFile, 'users.acl');
    for (const content of contents) {
      writeFileSync(path.join(dir, 'users.acl'), content, 'latin1');
      writeFileSync(oracleFile, content, 'latin1');
      for (const words of [
        ['ACL', 'LOAD'],
        ['AUTH', 'pw'],
        ['ACL', 'LIST'],
        ['ACL', 'USERS'],
      ]) {
        const mine = await text(ours.connection, ...words);
        expect(mine, JSON.stringify(content)).toBe(await text(theirs, ...words));
      }
      // Each reads what the other writes.
      const users = await text(theirs, 'ACL', 'LIST');
      await theirs.call('ACL', 'SAVE');
      writeFileSync(path.join(dir, 'users.acl'), readFileSync(oracleFile));
      expect(await ours.ask('ACL LOAD')).toBe('+OK');
      expect(await ours.ask('ACL SAVE')).toBe('+OK');
      expect(await text(ours.connection, 'ACL', 'LIST')).toBe(users);
      writeFileSync(oracleFile, readFileSync(path.join(dir, 'users.acl')));
      expect(await text(theirs, 'ACL', 'LOAD')).toBe('OK');
      expect(await text(theirs, 'ACL', 'LIST')).toBe(users);
    }
  });
});
