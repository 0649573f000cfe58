/** The queue of MULTI against a plain array: every command comes out as it went in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandTable } from '../../src/commands/command-table.ts';
import { allCommands } from '../../src/commands/registry.ts';
import { CommandQueue } from '../../src/session/command-queue.ts';
import { Args } from '../../src/util/args.ts';

const commands = [...new CommandTable(allCommands)];
const argument = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.integer({ min: 0, max: 5000 }).map((length) => new Uint8Array(length).fill(length & 255)),
);
const queued = fc.record({
  command: fc.nat(commands.length - 1),
  words: fc.array(argument, { minLength: 1, maxLength: 6 }),
  hashAt: fc.integer({ min: -1, max: 3 }),
  hash: fc.integer(),
});

function argsOf({ words, hashAt, hash }: { words: Uint8Array[]; hashAt: number; hash: number }) {
  const args = Args.of(...words);
  args.hashAt = hashAt;
  args.hash = hash;
  return args;
}

describe('the queue of a transaction', () => {
  it('gives back commands, arguments and hashes in order, also after it was cleared', () => {
    const queue = new CommandQueue();
    fc.assert(
      fc.property(fc.array(queued, { maxLength: 60 }), (items) => {
        for (const item of items) queue.add(commands[item.command]!, argsOf(item));
        expect(queue.length).toBe(items.length);
        items.forEach((item, i) => {
          const args = queue.read(i);
          expect(queue.command).toBe(commands[item.command]);
          expect(args.argc).toBe(item.words.length);
          for (const [k, word] of item.words.entries())
            expect(args.view(k)).toSatisfy((v: Uint8Array) => Buffer.compare(v, word) === 0);
          expect(args.hashAt).toBe(item.hashAt);
          if (item.hashAt >= 0) expect(args.hash).toBe(item.hash);
        });
        const bytes = items.flatMap(({ words }) => words).reduce((n, word) => n + word.length, 0);
        expect(queue.argumentBytes).toBe(bytes);
        expect(queue.memoryBytes).toBeGreaterThanOrEqual(bytes);
        queue.clear();
      }),
      { numRuns: 60 },
    );
  });

  it('takes few bytes for a small command', () => {
    const queue = new CommandQueue();
    const ping = commands.find(({ name }) => name === 'ping')!;
    const args = Args.of('PING');
    for (let i = 0; i < 1_000_000; i++) queue.add(ping, args);
    expect(queue.memoryBytes).toBeLessThan(12_000_000);
  });
});
