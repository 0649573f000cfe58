/** Config without a reference server: reading, CONFIG SET and its listeners, loading, rewriting. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Config } from '../../src/config/config.ts';
import { directives } from '../../src/config/directives.ts';
import { ConfigError, ValueError } from '../../src/config/errors.ts';
import { configReference } from '../../src/config/reference.ts';
import { CommandError } from '../../src/util/errors.ts';

const scratch = mkdtempSync(join(tmpdir(), 'respite-config-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let files = 0;
function file(content: string): string {
  const path = join(scratch, `${++files}.conf`);
  writeFileSync(path, content, 'latin1');
  return path;
}

function reasonOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.reason;
    if (error instanceof CommandError) return error.line;
    throw error;
  }
  return 'accepted';
}

describe('directives', () => {
  it('are sorted by name, have distinct names, and valid defaults', () => {
    const names = directives.map((d) => d.name);
    expect(names).toEqual([...names].sort());
    const all = directives.flatMap((d) => [d.name, ...d.aliases]);
    expect(new Set(all).size).toBe(all.length);
    const config = new Config();
    for (const { name, default: value } of directives) {
      if (name === 'dir') continue;
      config.assign(name, value);
      expect(config.string(name)).toBe(value);
    }
  });

  it('all have a row in the reference', () => {
    const text = configReference();
    for (const { name, hidden } of directives) {
      expect(text.includes(`| \`${name}\``), name).toBe(!hidden);
    }
    for (const line of text.trimEnd().split('\n')) {
      expect(line.replaceAll('\\|', '').split('|').length, line).toBe(8);
    }
  });
});

describe('Config accessors', () => {
  it('give numbers, booleans and texts by name or alias', () => {
    const config = new Config();
    config.loadText('maxmemory 40%\nhz 5\n', 'test');
    expect(config.number('maxmemory')).toBe(-40);
    expect(config.string('maxmemory')).toBe('40%');
    config.loadText('maxmemory 1gb\nprotected-mode no\nmaxmemory-clients 5%\n', 'test');
    expect(config.number('maxmemory')).toBe(1073741824);
    expect(config.number('maxmemory-clients')).toBe(-5);
    expect(config.number('unixsocketperm')).toBe(0);
    expect(config.bool('protected-mode')).toBe(false);
    expect(config.string('maxmemory-policy')).toBe('noeviction');
    expect(config.number('slave-priority')).toBe(100);
    expect(() => config.number('nope')).toThrow('no directive is named nope');
  });

  it('give paths as JavaScript strings', () => {
    const config = new Config();
    config.loadText('logfile "/var/log/gr\u00fc\u00dfe.log"\n', 'test');
    expect(config.path('logfile')).toBe('/var/log/gr\u00fc\u00dfe.log');
    expect(config.path('dir')).toBe(process.cwd());
  });

  it('know secrets', () => {
    expect(new Config().isSecret('RequirePass')).toBe(true);
    expect(new Config().isSecret('port')).toBe(false);
  });
});

describe('set()', () => {
  it('changes all pairs or none', () => {
    const config = new Config();
    const action = () =>
      config.set([
        ['maxmemory', '5'],
        ['hz', 'x'],
      ]);
    expect(reasonOf(action)).toContain("argument 'hz'");
    expect(config.number('maxmemory')).toBe(0);
  });

  it('calls a listener once per call, after all values are in place, and only on change', () => {
    const config = new Config();
    const seen: string[] = [];
    const listener = (c: Config) => seen.push(`${c.string('maxmemory')} ${c.string('hz')}`);
    config.onChange('maxmemory', listener);
    config.onChange('hz', listener);
    config.set([
      ['maxmemory', '1kb'],
      ['hz', '20'],
    ]);
    config.set([['maxmemory', '1024']]);
    expect(seen).toEqual(['1024 20']);
  });

  it('hears of certificate files even when the name stays the same', () => {
    const config = new Config();
    let calls = 0;
    config.onChange('tls-cert-file', () => calls++);
    config.set([['tls-cert-file', 'a.pem']]);
    config.set([['tls-cert-file', 'a.pem']]);
    expect(calls).toBe(2);
  });

  it('rolls back when a listener refuses, and applies the old values again', () => {
    const config = new Config();
    const applied: string[] = [];
    config.onChange('maxmemory', (c) => applied.push(c.string('maxmemory')));
    config.onChange('port', (c) => {
      if (c.number('port') === 1) throw new Error('Unable to listen on this port.');
    });
    const action = () =>
      config.set([
        ['maxmemory', '9'],
        ['port', '1'],
      ]);
    expect(reasonOf(action)).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port.",
    );
    expect(applied).toEqual(['9', '0']);
    expect(config.get(['maxmemory', 'port'])).toEqual([
      ['maxmemory', '0'],
      ['port', '6379'],
    ]);
  });

  it('allows protected directives as enable-protected-configs says', () => {
    const refused =
      "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config";
    const setWith = (mode: string, local: boolean) => {
      const config = new Config();
      config.loadPairs([['enable-protected-configs', mode]]);
      return reasonOf(() => config.set([['dbfilename', 'x']], { local }));
    };
    expect(setWith('no', true)).toBe(refused);
    expect(setWith('local', false)).toBe(refused);
    expect(setWith('local', true)).toBe('accepted');
    expect(setWith('yes', false)).toBe('accepted');
  });
});

describe('assign()', () => {
  it('changes what CONFIG SET may not, and empties replicaof', () => {
    const config = new Config();
    config.assign('replicaof', 'localhost 6380');
    expect(config.string('slaveof')).toBe('localhost 6380');
    config.assign('replicaof', '');
    expect(config.string('replicaof')).toBe('');
    expect(() => config.assign('databases', '0')).toThrow(ValueError);
  });
});

describe('loading', () => {
  it('reports file, line, text and reason', () => {
    const path = file('port 0\n\n  foo bar  \n');
    try {
      new Config().loadFile(path);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      const config = error as ConfigError;
      expect(config.source).toMatchObject({ name: path, line: 3, text: 'foo bar' });
      expect(config.report('1.2.3')).toBe(
        `\n*** FATAL CONFIG FILE ERROR (respite 1.2.3) ***\n` +
          `Reading the configuration file, at line 3 of ${path}\n` +
          `>>> 'foo bar'\nBad directive or wrong number of arguments\n`,
      );
    }
  });

  it('names a file that cannot be read', () => {
    const path = join(scratch, 'absent.conf');
    const reason = `Fatal error, can't open config file '${path}': No such file or directory`;
    expect(reasonOf(() => new Config().loadFile(path))).toBe(reason);
    expect(reasonOf(() => new Config().loadText(`include "${path}"`, 'test'))).toBe(reason);
  });

  it('adds save lines to each other, the first of all replacing the default', () => {
    const config = new Config();
    config.loadText('save 1 1\nsave 2 2 3 3\n', 'a');
    config.loadText('save 4 4\n', 'b');
    expect(config.string('save')).toBe('1 1 2 2 3 3 4 4');
    config.loadText('save ""\n', 'c');
    expect(config.string('save')).toBe('');
    config.loadPairs([['save', '5 5']]);
    config.loadPairs([['save', '6 6']]);
    expect(config.string('save')).toBe('6 6');
  });

  it('includes files and globs, relative to dir, in order', () => {
    const dir = join(scratch, 'includes');
    mkdirSync(join(dir, 'conf.d'), { recursive: true });
    writeFileSync(join(dir, 'conf.d', '10.conf'), 'timeout 10\nhz 20\n');
    writeFileSync(join(dir, 'conf.d', '20.conf'), 'timeout 20\n');
    writeFileSync(join(dir, 'conf.d', '.hidden.conf'), 'timeout 99\n');
    const config = new Config();
    config.loadText(`dir ${dir}\ninclude conf.d/*.conf\ninclude none/*.conf\n`, 'test');
    expect(config.number('timeout')).toBe(20);
    expect(config.number('hz')).toBe(20);
    config.loadText('include con?.d/1[0-5].conf\n', 'test');
    expect(config.number('timeout')).toBe(10);
  });

  it('ends when a file includes itself, and can load again afterwards', () => {
    const path = join(scratch, 'circle.conf');
    writeFileSync(path, `hz 30\ninclude ${path}\n`);
    const config = new Config();
    expect(reasonOf(() => config.loadFile(path))).toBe('Too many nested includes');
    config.loadText('hz 31', 'test');
    expect(config.number('hz')).toBe(31);
  });

  it('collects users and renamed commands with their places', () => {
    const config = new Config();
    config.loadText('user alice on >"x y"\nrename-command FLUSHALL ""\n', 'test');
    expect(config.users).toEqual([
      { name: 'test', line: 1, text: 'user alice on >"x y"', words: ['alice', 'on', '>x y'] },
    ]);
    expect(config.renamedCommands[0]?.words).toEqual(['FLUSHALL', '']);
  });

  it('refuses modules, sentinel mode, and a replica in a cluster', () => {
    const load = (text: string) => reasonOf(() => new Config().loadText(text, 'test'));
    expect(load('loadmodule /x.so a b')).toBe('Modules are not supported');
    expect(load('sentinel')).toBe('Sentinel mode is not supported');
    expect(load('cluster-enabled yes\nreplicaof a 1')).toBe(
      'replicaof directive not allowed in cluster mode',
    );
  });

  it('has one database in a cluster', () => {
    const config = new Config();
    config.loadText('databases 32\ncluster-enabled yes\n', 'test');
    expect(config.number('databases')).toBe(1);
  });

  it('loads pairs: whole values, words where several belong, other lines', () => {
    const config = new Config();
    config.loadPairs([
      ['requirepass', 'a b"c'],
      ['Maxmemory', '100mb'],
      ['bind', '127.0.0.1 -::1'],
      ['save', ''],
      ['user', 'bob on'],
    ]);
    expect(config.string('requirepass')).toBe('a b"c');
    expect(config.string('maxmemory')).toBe('104857600');
    expect(config.string('bind')).toBe('127.0.0.1 -::1');
    expect(config.string('save')).toBe('');
    expect(config.users[0]?.words).toEqual(['bob', 'on']);
    expect(reasonOf(() => config.loadPairs([['nope', 'x']]))).toBe(
      'Bad directive or wrong number of arguments',
    );
    expect(reasonOf(() => config.loadPairs([['save', '60 1 "']]))).toContain('Unbalanced');
  });

  it('calls no listener', () => {
    const config = new Config();
    config.onChange('hz', () => expect.unreachable());
    config.loadText('hz 11', 'test');
    config.loadPairs([['hz', '12']]);
    config.assign('hz', '13');
    expect(config.number('hz')).toBe(13);
  });
});

describe('loadArgs()', () => {
  const path = file('timeout 1\nhz 11\nmaxclients 11\ntcp-keepalive 1\nsave 1 1\n');

  it('ranks command line over environment over standard input over file over default', () => {
    const config = new Config();
    const line = config.loadArgs([path, '--hz', '13', '-'], {
      env: { RESPITE_HZ: '12', RESPITE_MAXCLIENTS: '12', RESPITE_SAVE: '2 2', OTHER: 'x' },
      readStdin: () => Buffer.from('tcp-keepalive 2\nmaxclients 13\n'),
    });
    expect(line).toMatchObject({ action: 'run', file: path, stdin: true });
    expect(config.file).toBe(path);
    const names = ['hz', 'maxclients', 'tcp-keepalive', 'timeout', 'tcp-backlog'];
    expect(names.map((name) => config.number(name))).toEqual([13, 12, 2, 1, 511]);
    expect(config.string('save')).toBe('2 2');
  });

  it('reads aliases and secrets from the environment and lists unknown variables', () => {
    const secret = file('s3cret \u00fc\n');
    writeFileSync(secret, 's3cret \u00fc\n', 'utf8');
    const config = new Config();
    config.loadArgs([], {
      env: {
        RESPITE_SLAVE_PRIORITY: '7',
        RESPITE_REQUIREPASS_FILE: secret,
        RESPITE_SERVER_CPULIST: '0',
        RESPITE_MAXMEMROY: '1',
      },
    });
    expect(config.number('replica-priority')).toBe(7);
    expect(Buffer.from(config.string('requirepass'), 'latin1').toString()).toBe('s3cret \u00fc');
    expect(config.string('server_cpulist')).toBe('0');
    expect(config.unknownVariables).toEqual(['RESPITE_MAXMEMROY']);
  });

  it('blames the variable that is wrong', () => {
    const load = (env: Record<string, string>) => {
      try {
        new Config().loadArgs([], { env });
      } catch (error) {
        if (error instanceof ConfigError) return error.source?.text;
      }
      return undefined;
    };
    expect(load({ RESPITE_HZ: 'x' })).toBe('RESPITE_HZ=x');
    expect(load({ RESPITE_MASTERAUTH_FILE: '/nonexistent' })).toContain('RESPITE_MASTERAUTH_FILE');
  });

  it.each([
    ['-v', 'version'],
    ['--version', 'version'],
    ['-h', 'help'],
    ['--help', 'help'],
    ['--check-system', 'check-system'],
  ])('understands %s', (arg, action) => {
    expect(new Config().loadArgs([arg, '--foo']).action).toBe(action);
  });

  it('says that sentinel mode is not supported', () => {
    expect(reasonOf(() => new Config().loadArgs([path, '--sentinel']))).toBe(
      'Sentinel mode is not supported',
    );
  });

  it('refuses a log file that cannot be opened', () => {
    expect(reasonOf(() => new Config().loadArgs(['--logfile', '/nonexistent/x']))).toBe(
      "Can't open the log file: No such file or directory",
    );
  });
});

describe('rewrite()', () => {
  it('needs a file', () => {
    expect(reasonOf(() => new Config().rewrite())).toBe(
      'ERR The server is running without a config file',
    );
  });

  it('keeps the mode of the file and leaves nothing beside it', () => {
    const dir = mkdtempSync(join(scratch, 'mode-'));
    const path = join(dir, 'a.conf');
    writeFileSync(path, 'requirepass x\n', { mode: 0o600 });
    const config = new Config();
    config.loadFile(path);
    config.set([['requirepass', 'y']]);
    config.rewrite();
    config.rewrite();
    expect(readFileSync(path, 'latin1')).toMatch(/^requirepass "y"\n/);
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'latin1').match(/# Generated/g)).toHaveLength(1);
  });

  it('writes a file that is not there yet, and reports one that cannot be written', () => {
    const config = new Config();
    const path = join(scratch, 'new.conf');
    config.rewrite(path);
    expect(readFileSync(path, 'latin1')).toMatch(/^# Generated by CONFIG REWRITE\ndir /);
    expect(reasonOf(() => config.rewrite(join(scratch, 'no', 'such')))).toBe(
      'ERR Rewriting config file: No such file or directory',
    );
  });

  it('leaves alone what decides which data is loaded, until it is', () => {
    const config = new Config();
    config.isLoading = () => true;
    for (const name of ['appendonly', 'repl-diskless-load']) {
      const loading = 'LOADING Redis is loading the dataset in memory';
      expect(reasonOf(() => config.set([[name, config.string(name)]]))).toBe(loading);
    }
    config.set([['maxmemory', '1gb']]);
    config.isLoading = () => false;
    config.set([['appendonly', 'yes']]);
  });

  it('writes all directives when told to, and reads them back', () => {
    const path = join(scratch, 'whole.conf');
    new Config().rewrite(path, true);
    expect(readFileSync(path, 'latin1')).toMatch(/^maxmemory-policy noeviction$/m);
    const config = new Config();
    config.loadFile(path);
    for (const { name } of directives) expect(config.string(name)).toBe(new Config().string(name));
  });

  it('replaces user lines only when told the users', () => {
    const path = file('user a on\nuser b on\n# end\n');
    const config = new Config();
    config.loadFile(path);
    config.rewrite();
    expect(readFileSync(path, 'latin1')).toMatch(/^user a on\nuser b on\n# end\n/);
    config.describeUsers = () => ['c off'];
    config.rewrite();
    expect(readFileSync(path, 'latin1')).toMatch(/^user c off\n\n# end\n/);
  });
});
