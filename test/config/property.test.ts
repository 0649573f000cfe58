/** Properties: what is rewritten loads as the same, quoting round trips, and no line crashes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Config } from '../../src/config/config.ts';
import type { Directive } from '../../src/config/directive-types.ts';
import { directives } from '../../src/config/directives.ts';
import { ConfigError, ValueError } from '../../src/config/errors.ts';
import { rewriteText } from '../../src/config/rewrite.ts';
import { quoteWord, splitWords } from '../../src/util/words.ts';

const bytes = fc
  .uint8Array({ maxLength: 12 })
  .map((array) => Buffer.from(array).toString('latin1'));
const word = fc.oneof(
  fc.constantFrom('127.0.0.1', '-::1', '*', 'host', '0', '1', '60', '300', '99.9', '5%', '1gb'),
  fc.constantFrom('normal', 'slave', 'pubsub', 'save', 'now', 'yes', 'no', 'KEA', 'gn', '""', "'"),
  bytes,
);

function valueFor(directive: Directive): fc.Arbitrary<string> {
  switch (directive.type) {
    case 'bool':
      return fc.constantFrom('yes', 'no');
    case 'enum':
      return fc.constantFrom(...directive.values);
    case 'flags':
      return fc.subarray([...directive.values], { minLength: 1 }).map((all) => all.join(' '));
    case 'string':
      return bytes;
    case 'octal':
      return fc.integer({ min: 0, max: 0o777 }).map((n) => n.toString(8));
    case 'words':
      return fc.array(word, { maxLength: 8 }).map((all) => all.join(' '));
    default:
      return fc.bigInt({ min: directive.min, max: directive.max }).map(String);
  }
}

/** Directives with values, most of them valid. */
const settings = fc.array(
  fc
    .constantFrom(...directives.filter((d) => d.name !== 'dir'))
    .chain((directive) => fc.tuple(fc.constant(directive.name), valueFor(directive))),
  { maxLength: 30 },
);

const oldFile = fc
  .array(
    fc.oneof(
      fc.constantFrom('', '# comment', '  ', 'rename-command GET ""', 'user a on', 'not known'),
      fc.constantFrom('save 1 1', 'SAVE 2 2', 'slave-priority 3', 'bind a b', 'hz 12', 'port "'),
    ),
    { maxLength: 12 },
  )
  .map((lines) => lines.join('\n'));

function apply(config: Config, pairs: readonly (readonly [string, string])[]): void {
  for (const [name, value] of pairs) {
    try {
      config.assign(name, value);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
    }
  }
}

describe('configuration properties', () => {
  it('any configuration, rewritten over any file, loads as the same', () => {
    fc.assert(
      fc.property(settings, oldFile, (pairs, old) => {
        const config = new Config();
        apply(config, pairs);
        const text = rewriteText(old, (name) => config.string(name), undefined);
        const again = new Config();
        // Cluster mode has rules across lines; they are tested elsewhere.
        again.loadText(text.replace(/^cluster-enabled yes$/m, ''), 'test');
        const skip = new Set(['cluster-enabled']);
        const values = (c: Config) =>
          directives.filter((d) => !skip.has(d.name)).map((d) => [d.name, c.string(d.name)]);
        expect(values(again)).toEqual(values(config));
        // The first rewrite may leave an empty line where the file ended; then nothing changes.
        const second = rewriteText(text, (name) => config.string(name), undefined);
        expect(rewriteText(second, (name) => config.string(name), undefined)).toBe(second);
      }),
      { numRuns: 500 },
    );
  });

  it('quoteWord() is read back by splitWords()', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), (words) => {
        expect(splitWords(words.map(quoteWord).join(' '))).toEqual(words);
      }),
    );
  });

  it('loading random lines throws nothing but ConfigError', () => {
    const names = directives.flatMap((d) => [d.name, ...d.aliases]);
    const other = ['include', 'user', 'rename-command', 'loadmodule', 'sentinel', 'a.b', '#', '"'];
    const name = fc.constantFrom(...names, ...other);
    const line = fc
      .tuple(name, fc.array(word, { maxLength: 6 }))
      .map((all) => all.flat().join(' '));
    fc.assert(
      fc.property(fc.array(fc.oneof(line, bytes), { maxLength: 5 }), (lines) => {
        try {
          new Config().loadText(lines.join('\n'), 'fuzz');
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('random arguments throw nothing but ConfigError', () => {
    const names = directives.filter((d) => d.name !== 'logfile').map((d) => `--${d.name}`);
    const arg = fc.oneof(fc.constantFrom(...names, '-', '--', '--save', '""', ''), word);
    fc.assert(
      fc.property(fc.array(arg, { maxLength: 8 }), (argv) => {
        try {
          new Config().loadArgs(['--hz', '10', ...argv]);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
