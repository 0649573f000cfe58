/**
 * The configuration against redis-server 7.0.15: names and defaults, replies of CONFIG SET,
 * reasons for refusing a file or a command line, and the file CONFIG REWRITE leaves behind.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Config } from '../../src/config/config.ts';
import { directives } from '../../src/config/directives.ts';
import { ConfigError } from '../../src/config/errors.ts';
import { CommandError } from '../../src/util/errors.ts';
import { hasOracle, Oracle, type OracleReply, oracleNote } from './oracle.ts';

/** Debian's configuration file, where it is installed and readable. */
const realLife = readIfThere('/etc/redis/redis.conf');

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** Set by how the oracle is started, or by where it runs. */
const differsByStart = new Set(['dir', 'port', 'save']);
/** Defragmentation is there, and begins earlier. */
const differsByDesign = new Set(['activedefrag', 'active-defrag-ignore-bytes']);
/** Valkey's names of directives that both have. */
const valkeyNames = ['commandlog-execution-slower-than', 'commandlog-slow-execution-max-len'];

const setInputs: readonly (readonly string[])[] = [
  ...['', 'yes', 'YES', 'no', 'true', '1', 'yes no'].map((v) => ['activerehashing', v]),
  ...['0', '-1', '10', '11', '+5', '05', ' 5', '5 ', '', '5x', '1e1', '0x5', '-0'].map((v) => [
    'active-expire-effort',
    v,
  ]),
  ...['-2147483648', '-2147483649', '2147483648', '-5'].map((v) => ['list-max-ziplist-size', v]),
  ...['9223372036854775807', '9223372036854775808', '-1', '-2'].map((v) => [
    'slowlog-log-slower-than',
    v,
  ]),
  ...['', '1', '1b', '1k', '1kB', '1M', '1MB', '1g', '1gb', '1t', '1.5gb', '-1', 'k', 'KB'].map(
    (v) => ['maxmemory', v],
  ),
  ...[
    '18446744073709551615',
    '18446744073709551616',
    '99999999999gb',
    ' 1',
    '1 mb',
    '%',
    '0%',
    '101%',
    '-5%',
  ].map((v) => ['maxmemory', v]),
  ...['5%', '0%', '100%', '101%', '-5%', '%', '05%', '5', '1gb', '', '18446744073709551615'].map(
    (v) => ['maxmemory-clients', v],
  ),
  ...['1', '18446744073709551615', '1mb', '1048575'].map((v) => ['client-query-buffer-limit', v]),
  ...['1', '20000', '0'].map((v) => ['repl-backlog-size', v]),
  ...['0', '1000', '10', '-1'].map((v) => ['hz', v]),
  ...['', '  ', '60 1', '60', '60 1 ', '60 ', ' 60 1', '60  1', '0 1', '1 -1', '60 1 300 10'].map(
    (v) => ['save', v],
  ),
  ...['a b', '60 1x', '+60 1', '060 01', '99999999999999999999 1', '1 4294967297'].map((v) => [
    'save',
    v,
  ]),
  ...[
    'normal 1 2 3',
    'SLAVE 1mb 2mb 3',
    'replica 0 0 0 pubsub 1 1 1',
    'master 1 1 1',
    'foo 1 1 1',
    'normal x 1 1',
    'normal 1 1 -1',
    'normal 1 1 1k',
    'normal 1 1',
    'normal 1  1',
    'normal 1 1 1 normal 2 2 2',
    'normal 1 1 4294967295',
    '',
  ].map((v) => ['client-output-buffer-limit', v]),
  ...['0 1', '0 1 2001', '0 -2000 2000', '0 a 1', '0  1', ''].map((v) => [
    'oom-score-adj-values',
    v,
  ]),
  ...['save now', 'now force SAVE', 'save nosave', 'default save', '', 'save  now', 'foo'].map(
    (v) => ['shutdown-on-sigint', v],
  ),
  ...['KEA', 'Kx', 'g$lshzxetd', 'Kg$lshzxet', 'gnK', 'gnKm', 'AmE', 'KEQ', '', 'E', 'K E'].map(
    (v) => ['notify-keyspace-events', v],
  ),
  ...['50', '0 100', '100.1', '-1', 'a', '', '5  6', '99.99999', '1e1', '0x10', 'nan', 'inf'].map(
    (v) => ['latency-tracking-info-percentiles', v],
  ),
  ...['DEBUG', 'verbose notice', '', 'nothing'].map((v) => ['loglevel', v]),
  ...['ALLKEYS-lru', 'lru'].map((v) => ['maxmemory-policy', v]),
  ...['relative', 'YES', 'absolute', 'x', 'no'].map((v) => ['oom-score-adj', v]),
  ...['a b"c\x00d', 'é', ''].map((v) => ['masterauth', v]),
  ...['a\x00b', ''].map((v) => ['masteruser', v]),
  ...[
    '{foo}',
    '',
    '{title}',
    '{title} x',
    '{title',
    '{{title} {port}',
    '}',
    '{TITLE} x',
    '{config-file}',
    '{unixsocket}',
    '{server-mode} {title}',
    '\t',
    'a {',
    ' {tls-port}',
  ].map((v) => ['proc-title-template', v]),
  ...['a_b', 'a.b-C9', 'a'.repeat(256), 'a'.repeat(255), ''].map((v) => [
    'cluster-announce-hostname',
    v,
  ]),
  ...['100', '199', '0', '-1'].map((v) => ['watchdog-period', v]),
  ['bind', 'a b c d e f g h i j k l m n o p q'],
  ['activedefrag', 'no'],
  ['maxclients', '0'],
  ['maxclients', '4294967296'],
  ['maxclients', '-1'],
  ['port', '70000'],
  ['FOO', '1'],
  ['foo', '1', 'bar', '2'],
  ['maxmemory', '1', 'foo', '2', 'port', 'x'],
  ['DATABASES', '4', 'foo', '1'],
  ['foo', '1', 'databases', '4'],
  ['maxmemory', '1', 'MAXMEMORY', '2'],
  ['maxmemory', '1', 'maxmemory', '2', 'databases', '3'],
  ['slave-priority', '5', 'replica-priority', '6'],
  ['SLAVE-priority', 'x'],
  ['Replica-Priority', '-1'],
  ['dir', '/tmp'],
  ['DBFILENAME', 'x', 'maxmemory', 'zz'],
  ['maxmemory', '7', 'hz', 'x'],
  ['lua-time-limit', '77'],
  ['rename-command', 'x'],
  ['list-max-ziplist-entries', '1'],
  ['unixsocketperm', '777'],
  ['key-load-delay', '5'],
];

/** Lines whose loading is compared; a last line that is wrong keeps the oracle from starting. */
const fileInputs: readonly string[] = [
  'foo bar',
  '  FOO   bar \t',
  'port',
  'port 1 2',
  '"port" "1"',
  '"port" "x"',
  'port "1"x',
  "port ''",
  'PORT 0',
  'maxmemory "abc',
  'maxmemory 1 # no comment',
  "'' x",
  "''",
  'save 60',
  'save',
  'save 60 1 # x',
  'save "60 1"',
  'save "60 1" 2',
  "save '60 1 \"x'",
  'bind',
  "bind '127.0.0.1 \"x'",
  'include',
  'include a b',
  'include none-of-these*.conf',
  'rename-command GET',
  'user',
  'loadmodule',
  'a.b',
  'sentinel x',
  'replicaof a b',
  'replicaof no one',
  'replicaof h 70000',
  'replicaof h 6379x',
  'slaveof a',
  'slaveof h -1',
  'replicaof "h 6379"',
  'client-output-buffer-limit normal 1 1',
  'client-output-buffer-limit',
  'list-max-ziplist-entries 1',
  'list-max-ziplist-entries 1 2',
  'lua-replicate-commands yes',
  'oom-score-adj-values 1 2',
  'oom-score-adj-values',
  'oom-score-adj foo',
  'appendfilename a/b',
  'appendfilename ""',
  'appenddirname a/b',
  'appenddirname ""',
  'dbfilename a/b',
  'dbfilename ""',
  'cluster-config-file ""',
  'shutdown-on-sigint foo',
  'shutdown-on-sigint',
  'shutdown-on-sigint "save  now"',
  'shutdown-on-sigint save nosave',
  'dir /nonexistent',
  'dir',
  'dir ""',
  'dir /etc/passwd',
  'maxmemory-policy lru',
  'notify-keyspace-events K E',
  'notify-keyspace-events "K E"',
  'notify-keyspace-events',
  'latency-tracking-info-percentiles 5 "6 7"',
  'latency-tracking-info-percentiles',
  'unixsocketperm 800',
  'unixsocketperm 1000',
  'unixsocketperm ""',
  'unixsocketperm -5',
  'unixsocketperm " 7"',
  'databases 0',
  'io-threads 129',
  'socket-mark-id 4294967296',
  'enable-debug-command maybe',
  'supervised maybe',
  'syslog-facility local9',
  'tcp-backlog -1',
  'maxclients 4294967296',
  '"maxmemory" "1\\x6b"',
  'proc-title-template ""',
  'bind a b c d e f g h i j k l m n o p q',
];

const commandLines: readonly (readonly string[])[] = [
  ['--port', '0', '--foo', 'bar'],
  ['--port'],
  ['--port', '1', '2', '--foo'],
  ['--port', '1 x'],
  ['--port 0', '--foo'],
  ['--save', '--port', '0', '--foo'],
  ['--save', '', '--foo', 'a b'],
  ['--foo', '--save'],
  ['--save', '60', '1', '--save', '300 10', '--foo'],
  ['--save', '60'],
  ['--maxmemory', '--port', '0'],
  ['--bind', '127.0.0.1', '::1', '--foo', 'x"y\n\x01é'],
  ['-x', '1'],
  ['--port=0'],
  ['--loglevel', 'verbose', '--', '--foo'],
  ['--proc-title-template', '--my--title--', '--foo', 'a'],
  ['--FOO', 'a\\nb'],
  ['--foo', '#x'],
  ['--shutdown-on-sigint', 'nosave force', '--foo'],
  ['--maxmemory', '1gb', '--maxmemory-policy', 'lru'],
  ['-', 'foo'],
];

const rewriteInputs: readonly string[] = [
  '',
  '\n\n\n',
  '# only a comment',
  `# hello

   # indented


maxmemory 100mb
MaxMemory 50mb
slave-priority 7
save 900 1
save 300 10
# Generated by CONFIG REWRITE
rename-command FLUSHALL ""
repl-backlog-size 1
hz 1000
bind 127.0.0.1 "-::1"
unixsocketperm 0700
client-output-buffer-limit replica 1gb 1500 60
client-output-buffer-limit normal 1k 0 0
client-output-buffer-limit pubsub 32mb 8mb 60
shutdown-on-sigint "now save"
notify-keyspace-events "KEA"
masteruser ""
masterauth "a\\x00b\\"c d\\xe9"
proc-title-template "{title} x"
  tcp-keepalive   300   
list-max-ziplist-entries 3
loglevel notice
lua-time-limit 4000
maxmemory-clients 7%
`,
  `bind 127.0.0.1 ::1
latency-tracking-info-percentiles ""
oom-score-adj-values 0 200 801
loglevel verbose
shutdown-on-sigterm save force
port 7
port 8
auto-aof-rewrite-min-size 1025
active-defrag-ignore-bytes 1gb
timeout 5`,
  'save 60 1\r\nsave ""\r\nappendonly no\r\n',
];

/** In the list of what maxmemory-policy may be: those of Redis 8.6. */
const LATER_POLICIES = ', volatile-lrm, allkeys-lrm';

function ourReply(config: Config, args: readonly string[]): OracleReply {
  const pairs: [string, string][] = [];
  for (let i = 0; i < args.length; i += 2) pairs.push([args[i]!, args[i + 1]!]);
  try {
    config.set(pairs);
    return 'OK';
  } catch (error) {
    if (error instanceof CommandError) return { error: error.line.replace(LATER_POLICIES, '') };
    throw error;
  }
}

/** What a refused start prints, without the version and the name of the file. */
function fatalLines(stderr: string): string {
  return stderr
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.replace(/ at line \d+( of .*)?$/, '').replace(LATER_POLICIES, ''))
    .join('\n');
}

function ourFatal(load: (config: Config) => void): string {
  try {
    load(new Config());
  } catch (error) {
    if (error instanceof ConfigError) return fatalLines(error.report('0'));
    throw error;
  }
  return 'accepted';
}

describe.skipIf(!hasOracle)(`configuration against redis-server${oracleNote}`, () => {
  let oracle: Oracle;
  let scratch: string;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'respite-config-'));
    oracle = await Oracle.start();
  });
  afterAll(async () => {
    await oracle.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('has the names and defaults of CONFIG GET *', async () => {
    const reply = await oracle.call('CONFIG', 'GET', '*');
    const items = Array.isArray(reply) ? reply.map(String) : [];
    const theirs = new Map(
      items.flatMap((v, i) => (i % 2 === 0 ? [[v, items[i + 1]]] : [])) as [string, string][],
    );
    const ours = new Map(new Config().get(['*']));
    for (const { name, since } of directives) if (since !== undefined) ours.delete(name);
    for (const name of valkeyNames) expect(ours.delete(name)).toBe(true);
    for (const name of [...differsByStart, ...differsByDesign]) {
      expect(ours.has(name)).toBe(true);
      ours.delete(name);
      theirs.delete(name);
    }
    expect([...ours].sort()).toEqual([...theirs].sort());
  });

  it('looks up several patterns as CONFIG GET does', async () => {
    const patterns = [
      'PoRT',
      'por[T]',
      'slave-pri*',
      'watchdog-*',
      'watchdog-period',
      'nope',
      'Hz',
      'hz',
    ];
    const reply = await oracle.call('CONFIG', 'GET', ...patterns);
    const names = Array.isArray(reply) ? reply.filter((_, i) => i % 2 === 0).map(String) : [];
    expect(
      new Config()
        .get(patterns)
        .map(([name]) => name)
        .sort(),
    ).toEqual(names.sort());
  });

  it('answers CONFIG SET alike and then reports the same values', async () => {
    const config = new Config();
    for (const args of setInputs) {
      const label = JSON.stringify(args);
      expect(ourReply(config, args), label).toEqual(await oracle.call('CONFIG', 'SET', ...args));
      const name = args[0]!;
      if (differsByStart.has(name) && name !== 'save') continue;
      const ours = config.get([name]).flat();
      expect(ours, label).toEqual(await oracle.call('CONFIG', 'GET', name));
    }
  });

  it.skipIf(realLife === undefined)('reads the packaged redis.conf alike', async () => {
    const path = join(scratch, 'packaged.conf');
    // Without what would make the server detach, log or listen elsewhere.
    const apart = /^(dir|logfile|pidfile|daemonize|unixsocket|port|supervised) .*$/gm;
    writeFileSync(path, realLife?.replace(apart, '') ?? '', 'latin1');
    const other = await Oracle.start([path]);
    try {
      const config = new Config();
      config.loadFile(path);
      for (const { name, since, hidden } of directives) {
        if (since !== undefined || hidden || name === 'dir' || name === 'port') continue;
        if (differsByDesign.has(name)) continue;
        const theirs = await other.call('CONFIG', 'GET', name);
        expect(config.get([name]).flat(), name).toEqual(theirs);
      }
    } finally {
      await other.stop();
    }
  });

  it.each(fileInputs)('judges the line %j alike', (line) => {
    const text = `${line}\nwrong-at-last\n`;
    const run = spawnSync('redis-server', ['-'], { input: text, encoding: 'latin1', cwd: scratch });
    expect(ourFatal((config) => config.loadText(text, 'test'))).toBe(fatalLines(run.stderr));
  });

  it.each(commandLines.map((argv) => [argv] as const))('judges the arguments %j alike', (argv) => {
    const run = spawnSync('redis-server', [...argv], { encoding: 'utf8', cwd: scratch, input: '' });
    expect(ourFatal((config) => config.loadArgs(argv))).toBe(fatalLines(run.stderr));
  });

  it.each(rewriteInputs)('rewrites %j alike', async (content) => {
    const file = join(scratch, 'rewrite.conf');
    writeFileSync(file, content, 'latin1');
    const other = await Oracle.start([file]);
    const args = [file, '--port', String(other.port), '--dir', other.dir];
    const config = new Config();
    config.loadArgs(args);
    try {
      for (const pair of [
        ['tcp-keepalive', '300'],
        ['maxmemory-samples', '7'],
        ['timeout', '0'],
      ] as const) {
        config.set([pair]);
        await other.call('CONFIG', 'SET', ...pair);
      }
      expect(await other.call('CONFIG', 'REWRITE')).toBe('OK');
      const theirs = readFileSync(file, 'latin1').replace(/^user default .*\n/m, '');
      writeFileSync(file, content, 'latin1');
      config.rewrite();
      const ours = readFileSync(file, 'latin1');
      // Lines in place are in the same order; those appended come in the order of a hash table.
      const [mine, reference] = [ours.split('\n'), theirs.split('\n')];
      const differ = mine.findIndex((line, i) => line !== reference[i]);
      const from = differ < 0 ? mine.length : differ;
      expect(mine.slice(from).sort()).toEqual(reference.slice(from).sort());
      for (const line of mine.slice(from)) {
        const name = line.split(' ')[0]!;
        if (name !== '') expect(content).not.toMatch(new RegExp(`^${name} `, 'm'));
      }
    } finally {
      await other.stop();
    }
  });
});
