/** Grammars: what they accept, refuse and remember. */
import { describe, expect, test } from 'vitest';
import { type Grammar, grammar } from '../../src/commands/grammar.ts';
import { Args } from '../../src/util/args.ts';
import { CommandError, errors } from '../../src/util/errors.ts';

const form = grammar(
  '[NX | XX] [GET] [EX seconds | PX milliseconds | KEEPTTL] [LIMIT offset count]',
);
const read = (of: Grammar, line: string) => {
  of.read(Args.of('cmd', ...line.split(' ').filter((word) => word !== '')), 1);
  return of;
};

describe('Grammar', () => {
  test('read() finds words in any order and case, and where their values stand', () => {
    read(form, 'limit 1 2 Px 5 gEt nx');
    expect(form.at(form.word('LIMIT'))).toBe(2);
    expect(form.at(form.word('PX'))).toBe(5);
    expect(form.at(form.word('GET'))).toBe(6);
    expect(form.has(form.word('NX'))).toBe(true);
    expect(form.has(form.word('XX'))).toBe(false);
    expect(form.chosenWith(form.word('EX'))).toBe(form.word('PX'));
    expect(form.chosenWith(form.word('NX'))).toBe(form.word('NX'));
  });

  test('read() forgets what the call before has read', () => {
    read(form, 'NX GET EX 1');
    read(form, '');
    for (const word of ['NX', 'GET', 'EX']) expect(form.has(form.word(word))).toBe(false);
    expect(form.chosenWith(form.word('EX'))).toBe(-1);
  });

  test('the same word again is allowed, its last value counts', () => {
    read(form, 'NX NX EX 1 EX 2');
    expect(form.at(form.word('EX'))).toBe(6);
  });

  for (const line of [
    'NX XX',
    'EX 1 PX 1',
    'KEEPTTL EX 1',
    'EX',
    'LIMIT 1',
    'FOO',
    'NXX',
    'N',
    '',
  ]) {
    test(`read() of "${line}" is a syntax error, unless it is empty`, () => {
      if (line === '') expect(() => form.read(Args.of('cmd', ''), 1)).toThrow(errors.syntax);
      else expect(() => read(form, line)).toThrow(errors.syntax);
    });
  }

  test('readWhile() ends at the first argument that is no option', () => {
    expect(form.readWhile(Args.of('cmd', 'NX', 'EX', '1', 'x', 'GET'), 1)).toBe(4);
    expect(form.has(form.word('GET'))).toBe(false);
    expect(form.readWhile(Args.of('cmd', 'NX'), 1)).toBe(2);
  });

  test('rules: words that stand once, alternatives that stand together, errors of their own', () => {
    const clash = new CommandError('ERR clash');
    const missing = new CommandError('ERR missing');
    const strict = grammar('[A | B value] [C]', {
      once: ['B'],
      clash: () => clash,
      missing: () => missing,
      unknown: (args, i) => new CommandError(`ERR ${args.latin1(i)}?`),
    });
    expect(() => read(strict, 'A A C')).not.toThrow();
    expect(() => read(strict, 'B 1 B 2')).toThrow(clash);
    expect(() => read(strict, 'A B 2')).toThrow(clash);
    expect(() => read(strict, 'B')).toThrow(missing);
    expect(() => read(strict, 'A D')).toThrow('ERR D?');
    const together = grammar('[A | B]', { together: true });
    read(together, 'A B');
    expect(together.has(together.word('A')) && together.has(together.word('B'))).toBe(true);
  });

  test('what is no list of options, or no word of it, is found when it is used', () => {
    expect(() => read(grammar('key [NX]'), 'NX')).toThrow('no option: key');
    expect(() => read(grammar('[COUNT count [ANY]]'), 'COUNT 1')).toThrow('not a word with values');
    expect(() => read(grammar('[at <NOW | THEN>]'), 'NOW')).toThrow('not a word with values');
    expect(() => form.word('FOO')).toThrow('FOO is not in');
  });
});
