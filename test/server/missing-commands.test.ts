/** Every command that the reference has is there, or is said to be missing. */
import { describe, expect, it } from 'vitest';
import { allCommands } from '../../src/commands/registry.ts';
import { createServer } from '../../src/index.ts';
import { missingSubject } from '../../src/server/missing-commands.ts';
import { Connection } from '../harness/connection.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';

const ours = new Set(allCommands.map(({ name }) => name));

describe('commands that are not there', () => {
  it('are told from words that nobody knows', async () => {
    await using server = await createServer();
    await expect(server.exec('JSON.SET', 'a', '$', 1)).rejects.toThrow(
      /unknown command 'JSON.SET': it is not there in respite .* \(JSON documents\)/,
    );
    await expect(server.exec('JSONSET', 'a')).rejects.toThrow("with args beginning with: 'a'");
  });
});

describeWithOracle('commands of redis-server', () => {
  it('are there, or are named as missing', async () => {
    const oracle = await startOracle();
    const client = await Connection.open(oracle.port);
    const reply = await client.call('COMMAND', 'LIST');
    const names = 'items' in reply ? (reply.items as readonly { bytes?: Buffer }[]) : [];
    const all = names.map(({ bytes }) => String(bytes).toLowerCase());
    client.close();
    await oracle.stop();
    expect(all.length).toBeGreaterThan(200);
    const unnamed = all.filter(
      (name) => !name.includes('|') && !ours.has(name) && missingSubject(name) === undefined,
    );
    expect(unnamed).toEqual([]);
  });
});
