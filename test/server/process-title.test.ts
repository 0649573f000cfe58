/** The title of the process by `proc-title-template`, beside redis-server. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fillTitle } from '../../src/config/title-template.ts';
import { createServer } from '../../src/index.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { startRespite } from '../harness/respite.ts';
import { freePort, type ServerProcess } from '../harness/server-process.ts';

/** What `ps` shows, with the program's name and the ports taken out. */
function titleOf(server: ServerProcess, otherPort: number): string {
  const shown = readFileSync(`/proc/${server.pid}/cmdline`, 'latin1');
  // Both fill the room behind it: with zeros, redis-server also with a dot at the very end.
  const [title = ''] = shown.split('\0');
  return title
    .trimEnd()
    .replace(/\b(redis-server|respite)\b/, 'PROGRAM')
    .replaceAll(String(server.port), 'PORT')
    .replaceAll(String(otherPort), 'OTHER');
}

/** What a server answers to CONFIG SET, and its title after each. */
async function titles(
  start: typeof startRespite,
  args: readonly string[],
  sets: readonly (readonly string[])[],
): Promise<string[]> {
  await using server = await start(args);
  const otherPort = await freePort();
  const found = [titleOf(server, otherPort)];
  const client = await server.connect();
  for (const words of sets) {
    client.send(
      'CONFIG',
      'SET',
      ...words.map((word) => (word === 'OTHER' ? `${otherPort}` : word)),
    );
    const reply = (await client.receive()).bytes.toString('latin1').trim();
    found.push(`${words.join(' ')}: ${reply} ${titleOf(server, otherPort)}`);
  }
  client.close();
  return found;
}

/** There is room for as much as the command line had: so it is a long one. */
const room = ['--logfile', `./${'./'.repeat(100)}log`, '--unixsocket', 'socket'];

describeWithOracle('the title of the process', () => {
  it('follows its template and what that shows', { timeout: 60_000 }, async () => {
    const sets = [
      ['proc-title-template', 'T {title} {port} {tls-port} {unixsocket} {config-file} {{x}'],
      ['proc-title-template', '  {listen-addr} {server-mode} '],
      ['bind', '-::1 127.0.0.1'],
      ['bind', ''],
      ['bind', '127.0.0.1'],
      ['port', 'OTHER'],
      ['proc-title-template', 'x} {unixsocket}'],
      ['proc-title-template', '{unixsocket}'],
      ['proc-title-template', '{Title} x'],
      ['port', '0'],
      ['proc-title-template', '{listen-addr}'],
    ];
    const expected = await titles(startOracle, room, sets);
    expect(await titles(startRespite, room, sets)).toEqual(expected);
    expect(expected[0]).toBe('PROGRAM 127.0.0.1:PORT');
    expect(expected[1]).toMatch(/ T PROGRAM PORT 0 socket - {x}$/);
  });

  it('is left alone with set-proc-title no until a template is set', {
    timeout: 60_000,
  }, async () => {
    const args = [...room, '--set-proc-title', 'no'];
    const sets = [
      ['proc-title-template', '{title} {listen-addr}'],
      ['bind', '127.0.0.1 -::1'],
      ['port', 'OTHER'],
    ];
    const [, ...expected] = await titles(startOracle, args, sets);
    const [first, ...found] = await titles(startRespite, args, sets);
    expect(found).toEqual(expected);
    expect(first).toBe(process.execPath);
  });
});

it('the file of the configuration is named', () => {
  const facts = { title: 'respite', configFile: '/etc/r.conf', read: () => '' };
  expect(fillTitle(' {config-file}|{{{title}} ', facts)).toBe('/etc/r.conf|{respite}');
  expect(fillTitle('{config-file', facts)).toBeUndefined();
});

it('a server inside a program leaves its title alone', async () => {
  const before = process.title;
  const server = await createServer({ port: 0 });
  const client = server.client();
  await client.exec('CONFIG', 'SET', 'proc-title-template', 'mine');
  await server.close();
  expect(process.title).toBe(before);
});
