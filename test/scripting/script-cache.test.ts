/** The cache of scripts: what was found last is found again, and what is gone is not. */
import { expect, it } from 'vitest';
import { type Script, ScriptCache } from '../../src/scripting/script-cache.ts';

const bytes = (text: string) => Buffer.from(text);
const find = (cache: ScriptCache, source: string) =>
  cache.forSource(bytes(source), 0, source.length);
const findSha = (cache: ScriptCache, sha: string) => cache.byShaBytes(bytes(sha), 0, sha.length);

function loaded(cache: ScriptCache, source: string): Script {
  const script = find(cache, source);
  cache.add(script);
  return script;
}

it('finds scripts by source and by SHA1 in any case, at any offset', () => {
  const cache = new ScriptCache();
  const scripts = Array.from({ length: 300 }, (_, i) => loaded(cache, `return ${i}`));
  for (let round = 0; round < 2; round++) {
    for (const [i, script] of scripts.entries()) {
      expect(find(cache, `return ${i}`)).toBe(script);
      expect(findSha(cache, script.sha)).toBe(script);
      expect(findSha(cache, script.sha.toUpperCase())).toBe(script);
      expect(cache.byShaBytes(bytes(`x${script.sha}x`), 1, 40)).toBe(script);
    }
  }
  expect(findSha(cache, scripts[0]!.sha.slice(1))).toBeUndefined();
  expect(findSha(cache, `${scripts[0]!.sha.slice(0, 39)}x`)).toBeUndefined();
});

it('does not find what had to go, nor anything after it was cleared', () => {
  const cache = new ScriptCache();
  const first = loaded(cache, 'return "first"');
  for (let i = 0; i < 2; i++) {
    expect(find(cache, 'return "first"')).toBe(first);
    expect(findSha(cache, first.sha)).toBe(first);
  }
  for (let i = 0; i < 500; i++) loaded(cache, `return ${i}`);
  expect(cache.evicted).toBe(1);
  expect(findSha(cache, first.sha)).toBeUndefined();
  expect(find(cache, 'return "first"')).not.toBe(first);
  const last = find(cache, 'return 499');
  expect(findSha(cache, last.sha)).toBe(last);
  cache.clear();
  expect(findSha(cache, last.sha)).toBeUndefined();
  expect(find(cache, 'return 499')).not.toBe(last);
});
