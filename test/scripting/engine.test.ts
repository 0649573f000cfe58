/**
 * The Lua engine on its own: results, suspension from everywhere a script can be, limits, and what a
 * script must not reach. What Redis answers is compared in test/differential.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { Ended, EngineKind, LuaEngine } from '../../src/scripting/engine.ts';
import { type ScriptHost, Verdict } from '../../src/scripting/host.ts';
import { Args } from '../../src/util/args.ts';

const wasm = path.resolve(import.meta.dirname, '../../src/scripting/wasm');

let verdict: () => Verdict;
let called: string[];
let engine: LuaEngine;

const host: ScriptHost = {
  call(args) {
    called.push(Array.from({ length: args.argc }, (_, i) => args.latin1(i)).join(' '));
    const failed = args.latin1(0) === 'fail';
    const buf = Buffer.from(failed ? '-ERR no\r\n' : '*3\r\n:7\r\n$2\r\nab\r\n+OK\r\n');
    return { buf, pos: buf.length };
  },
  scriptName: () => ({ buf: Buffer.from('sha'), pos: 3 }),
  mayRun: () => 1,
  errored(line, counted) {
    called.push(`${line.split(' ')[0]} ${counted}`);
  },
  log() {},
  setReplication() {},
  register: () => true,
  check: () => verdict(),
};

function newEngine(memoryMax = 64 * 1024 * 1024): LuaEngine {
  const made = new LuaEngine(host, {
    kind: EngineKind.eval,
    version: '7.2.4',
    versionNumber: 0x070204,
    memoryMax,
  });
  made.setKillMessage('ERR killed');
  return made;
}

interface Outcome {
  readonly reply: string;
  /** How often it was suspended. */
  readonly suspended: number;
}

/** Runs a script; a suspended one is resumed until `killAfter` suspensions, then killed. */
function run(source: string, args: readonly string[] = [], killAfter = Infinity): Outcome {
  const ref = engine.compile(Buffer.from(source, 'latin1'));
  if (typeof ref === 'string') return { reply: ref, suspended: 0 };
  const argv = args.map((text) => Buffer.from(text, 'latin1'));
  let ended = engine.run(ref, Args.of(...argv), 0, 0, 2);
  let suspended = 0;
  while (ended === Ended.suspended) {
    suspended++;
    ended = engine.resume(suspended >= killAfter ? Verdict.kill : Verdict.goOn);
  }
  const end = engine.resultAt + engine.resultLength;
  const reply = engine.bytes.toString('latin1', engine.resultAt, end);
  engine.done();
  engine.release(ref);
  return { reply, suspended };
}

beforeEach(() => {
  verdict = () => Verdict.goOn;
  called = [];
  engine = newEngine();
});

describe('the module', () => {
  it('is the one whose checksum is in the repository', () => {
    const sum = createHash('sha256')
      .update(readFileSync(path.join(wasm, 'lua.wasm')))
      .digest('hex');
    const noted = readFileSync(path.join(wasm, 'lua.wasm.sha256'), 'utf8');
    expect(noted).toBe(`${sum}  lua.wasm\n`);
  });
});

describe('LuaEngine', () => {
  it('passes arguments of commands and replies as bytes', () => {
    const { reply } = run('return redis.call("x", ARGV[1], 1.5, 12)', ['\0\xff\r\n']);
    expect(called).toEqual(['x \0\xff\r\n 1.5 12']);
    expect(reply).toBe('*3\r\n:7\r\n$2\r\nab\r\n+OK\r\n');
  });

  it('passes any byte in and out', () => {
    const all = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');
    expect(run('return ARGV[1]', [all]).reply).toBe(`$256\r\n${all}\r\n`);
  });

  it('takes many arguments and calls with many', () => {
    const many = Array.from({ length: 5000 }, (_, i) => String(i));
    expect(run('redis.call(unpack(ARGV)) return #ARGV', many).reply).toBe(':5000\r\n');
    expect(called[0]!.split(' ')).toEqual(many);
  });

  it('gives each run its own arguments, whatever the one before has done to the tables', () => {
    const spoilers = [
      'ARGV[2] = "x"',
      'ARGV[1] = nil',
      'ARGV.n = 1',
      'table.remove(ARGV)',
      'setmetatable(ARGV, { __index = function() return "q" end, __len = 7 })',
      'for i = 1, 40 do ARGV[i] = i end',
      'setfenv(1, { ARGV = {} })',
      'error("x")',
    ];
    const show = 'return { #ARGV, ARGV[1], ARGV[2] or "none", ARGV.n or "none" }';
    for (const spoiler of spoilers) {
      run(spoiler, ['a']);
      expect(run(show, ['b']).reply).toBe('*4\r\n:1\r\n$1\r\nb\r\n$4\r\nnone\r\n$4\r\nnone\r\n');
      expect(run(show).reply).toBe('*1\r\n:0\r\n');
    }
  });

  it('ends runs in errors one after the other, each with its place and name', () => {
    const deep = 'local function f() error("deep") end local t = setmetatable({}, { __index = f })';
    for (let i = 0; i < 3; i++) {
      expect(run('\nerror("x")').reply).toBe(
        '-ERR user_script:2: x script: sha, on @user_script:2.\r\n',
      );
      expect(run(`${deep} return t.a`).reply).toContain('deep script: sha, on @user_script:1.');
      expect(run('return tostring(nil .. 1)').reply).toContain('attempt to concatenate');
      expect(run('return 1').reply).toBe(':1\r\n');
    }
  });

  it('throws the error of a call whose reply nobody wants, and makes nothing of others', () => {
    expect(run('redis.call("fail") return 1').reply).toContain('-ERR no');
    expect(run('redis.pcall("fail") return 1').reply).toBe(':1\r\n');
    expect(run('redis.call("x") return select("#", redis.call("x"))').reply).toBe(':1\r\n');
  });

  it('renews its view of a memory that grows within a call', () => {
    const { reply } = run('local s = ("x"):rep(9000000) redis.call("x", s) return #s');
    expect(reply).toBe(':9000000\r\n');
    expect(called[0]!.length).toBe(9_000_002);
  });
});

/** Scripts whose work is done where a C function of Lua is on the stack, with their results. */
const nested: Readonly<Record<string, readonly [source: string, reply: string]>> = {
  'a loop': ['local x = 0 for i = 1, 500000 do x = x + i end return x', ':125000250000\r\n'],
  'nested calls': [
    `local function f(n) local s = 0 for i = 1, 9000 do s = s + 1 end
     if n == 0 then return s end return f(n - 1) + s end return f(50)`,
    ':459000\r\n',
  ],
  pcall: [
    `local s = 0 for i = 1, 4 do
       local ok, v = pcall(function() local x = 0 for j = 1, 100000 do x = x + 1 end return x end)
       s = s + v end return s`,
    ':400000\r\n',
  ],
  'an error after work in pcall': [
    'local ok, e = pcall(function() for i = 1, 300000 do end error("a", 0) end) return e',
    '$1\r\na\r\n',
  ],
  'the handler of xpcall': [
    `local ok, e = xpcall(function() error("a", 0) end,
       function(m) for i = 1, 300000 do end return "h:" .. m end) return e`,
    '$3\r\nh:a\r\n',
  ],
  'a coroutine': [
    `local co = coroutine.wrap(function() for j = 1, 5 do local x = 0
       for i = 1, 60000 do x = x + 1 end coroutine.yield(x) end end)
     local s = 0 for i = 1, 5 do s = s + co() end return s`,
    ':300000\r\n',
  ],
  'a comparator of table.sort': [
    `local t = {} for i = 1, 3000 do t[i] = (i * 7919) % 3001 end
     table.sort(t, function(a, b) for i = 1, 5 do end return a < b end)
     for i = 2, 3000 do if t[i - 1] > t[i] then return "bad" end end return "sorted"`,
    '$6\r\nsorted\r\n',
  ],
  'a callback of string.gsub': [
    `local r = (("a"):rep(9000):gsub("a", function() local x = 0
       for i = 1, 40 do x = x + 1 end return "b" end)) return #r .. r:sub(1, 2)`,
    '$6\r\n9000bb\r\n',
  ],
  'an iterator': [
    `local function iterate(n) return function() n = n - 1 for i = 1, 90000 do end
       if n > 0 then return n end end end
     local s = 0 for v in iterate(6) do s = s + v end return s`,
    ':15\r\n',
  ],
  metamethods: [
    `local function work(v) return function() for i = 1, 150000 do end return v end end
     local mt = { __index = work("i"), __add = work(1), __concat = work("c"), __eq = work(true),
       __lt = work(true), __le = work(false), __call = work("k"), __unm = work(2),
       __newindex = function(t, k, v) for i = 1, 150000 do end rawset(t, k, v) end }
     local a, b = setmetatable({}, mt), setmetatable({}, mt)
     a.q = 5
     return { a.x, a + b, a .. b, tostring(a == b), tostring(a < b), tostring(a <= b), a(), -a,
       rawget(a, "q"), a:x() and 1 }`.replace(', a:x() and 1', ''),
    '*9\r\n$1\r\ni\r\n:1\r\n$1\r\nc\r\n$4\r\ntrue\r\n$4\r\ntrue\r\n$5\r\nfalse\r\n$1\r\nk\r\n:2\r\n:5\r\n',
  ],
  'an operand that changes while its metamethod runs': [
    `local a = setmetatable({}, { __add = function() return 1 end })
     local b = a
     getmetatable(a).__add = function() b = 5 for i = 1, 300000 do end return 7 end
     local r = b + 1 return { r, b }`,
    '*2\r\n:7\r\n:5\r\n',
  ],
  'a reader of load': [
    `local n = 0 local f = load(function() for i = 1, 150000 do end n = n + 1
       return ({ "return ", "4", "2" })[n] end) return f()`,
    ':42\r\n',
  ],
  'the pattern matcher': [
    'return { ("a"):rep(18):find(("a?"):rep(18) .. ("a"):rep(18)) }',
    '*2\r\n:1\r\n:18\r\n',
  ],
};

describe('suspension', () => {
  for (const [where, [source, reply]] of Object.entries(nested)) {
    it(`goes on in ${where} as if nothing had happened`, () => {
      expect(run(source).reply).toBe(reply);
      verdict = () => Verdict.suspend;
      const outcome = run(source);
      expect(outcome.reply).toBe(reply);
      expect(outcome.suspended).toBeGreaterThan(0);
    });
  }

  it('ends each of them when it is killed', () => {
    verdict = () => Verdict.suspend;
    for (const [where, [source]] of Object.entries(nested)) {
      expect(run(source, [], 1).reply, where).toMatch(/^-ERR killed( script: sha, on .*)?\r\n$/);
    }
    expect(run('return 1').reply).toBe(':1\r\n');
  });
});

describe('runaway scripts', () => {
  const endless = {
    loop: 'while true do end',
    'pcall in a loop': 'while true do pcall(function() while true do end end) end',
    coroutine: 'local c = coroutine.create(function() while true do end end) coroutine.resume(c)',
    'coroutine that catches': `while true do
       coroutine.resume(coroutine.create(function() pcall(function() while true do end end) end)) end`,
    'error handler': 'xpcall(error, function() while true do end end)',
    'tostring metamethod':
      'tostring(setmetatable({}, {__tostring = function() while true do end end}))',
    'err field': `pcall(error, setmetatable({}, {__index = function() while true do end end}))`,
    recursion: 'local function f() return f() end f()',
    'pattern bomb': 'string.find(("a"):rep(50000), ("a?"):rep(300) .. "b")',
    'lazy pattern': 'string.find(("a"):rep(500000), ".-b")',
    gsub: 'string.gsub(("a"):rep(500000), ".-b", "")',
    'emptied table': `local t = {} for i = 1, 2000000 do t[i] = 1 end
       for i = 1, 2000000 do t[i] = nil end while true do next(t) end`,
    'plain find':
      'while true do string.find(("a"):rep(100000), ("a"):rep(5000) .. "b", 1, true) end',
    'table.insert': 'local t = {1} while true do table.insert(t, -100000, 1) end',
  };
  for (const [what, source] of Object.entries(endless)) {
    it(`ends a killed ${what}`, () => {
      verdict = () => Verdict.suspend;
      expect(run(source, [], 20).reply).toContain('-ERR killed');
      expect(run('return 1').reply).toBe(':1\r\n');
    });
  }

  it('asks within milliseconds, whatever the script does', () => {
    let last = performance.now();
    let longest = 0;
    let asked = 0;
    verdict = () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      return ++asked < 30 ? Verdict.goOn : Verdict.kill;
    };
    for (const source of Object.values(endless)) {
      asked = 0;
      last = performance.now();
      run(source);
    }
    // Generous: other tests run on this machine, too.
    expect(longest).toBeLessThan(2000);
  });
});

describe('limits', () => {
  const bombs = [
    'return #string.rep("a", 2^31 - 1)',
    'return #string.rep("abc", 2^28)',
    'local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(1000000) .. i end',
    'local s = "x" while true do s = s .. s end',
    'local t = {} local s = ("x"):rep(1000000) for i = 1, 100 do t[i] = s end return #table.concat(t)',
    'local t = {} for i = 1, 1e9 do t[i] = {} end',
    'return #cjson.encode(("\\0"):rep(40000000))',
    'return struct.pack(("d"):rep(20000000), 1)',
  ];
  for (const source of bombs) {
    it(`answers "${source.slice(0, 50)}" with an error`, () => {
      expect(run(source).reply).toMatch(/^-ERR/);
      expect(run('return 1').reply).toBe(':1\r\n');
    });
  }

  it('answers deep recursion with an error', () => {
    for (const source of [
      'local function f() return 1 + f() end return f()',
      'local function f() return pcall(f) end return f()',
      'local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x',
      'return string.find(("a"):rep(5000), ("(a"):rep(32) .. ("a?"):rep(4000))',
      `local s = ("("):rep(1000) .. "1" .. (")"):rep(1000) return loadstring("return " .. s)()`,
      'return cmsgpack.unpack(("\\145"):rep(100000) .. "\\1")',
      'return cjson.decode(("["):rep(100000))',
      'local t = {} for i = 1, 100000 do t = {t} end return cjson.encode(t)',
    ]) {
      run(source);
      expect(run('return 1').reply, source).toBe(':1\r\n');
    }
  });

  it('gives memory back to the next script', () => {
    const before = engine.heapBytes;
    for (let i = 0; i < 20; i++) run('local t = {} for i = 1, 100000 do t[i] = {} end');
    engine.collect();
    expect(engine.heapBytes).toBeLessThan(before * 1.2 + 100_000);
  });

  it('forgets what was compiled and released', () => {
    const source = `return "${'x'.repeat(100_000)}"`;
    run(source);
    engine.collect();
    const before = engine.heapBytes;
    for (let i = 0; i < 50; i++) run(`${source} -- ${i}`);
    engine.collect();
    expect(engine.heapBytes).toBeLessThan(before + 300_000);
  });
});

describe('the sandbox', () => {
  const absent =
    'package require io debug print loadfile dofile newproxy getfenv setfenv module ' +
    'js window process globalThis wasm memory';
  for (const name of absent.split(' ')) {
    it(`has no ${name}`, () => {
      expect(run(`return ${name}`).reply).toContain('nonexistent global variable');
    });
  }

  it('has of os only the clock', () => {
    expect(
      run('local n = 0 for k in pairs(os) do n = n + 1 end return {n, type(os.clock())}').reply,
    ).toBe('*2\r\n:1\r\n$6\r\nnumber\r\n');
  });

  it('refuses bytecode', () => {
    expect(run('return tostring(loadstring(string.dump(function() return 1 end)))').reply).toBe(
      '$3\r\nnil\r\n',
    );
    expect(run('\x1bLua').reply).toContain('unexpected symbol');
  });

  it('lets no script change a table that others see', () => {
    const paths = run(
      `local out, seen = {}, {}
       local function walk(t, path)
         if seen[t] then return end
         seen[t] = true
         out[#out + 1] = path
         for k, v in pairs(t) do
           if type(v) == "table" then walk(v, path .. "." .. k) end
         end
         local mt = getmetatable(t)
         if mt then walk(mt, "getmetatable(" .. path .. ")") end
       end
       walk(_G, "_G") walk(getmetatable(""), 'getmetatable("")') return table.concat(out, "\\n")`,
    )
      .reply.split('\r\n')[1]!
      .split('\n');
    expect(paths.length).toBeGreaterThan(10);
    for (const each of paths) {
      if (/KEYS|ARGV/.test(each)) continue;
      for (const change of [
        `${each}.x = 1`,
        `rawset(${each}, "x", 1)`,
        `setmetatable(${each}, {})`,
        `table.insert(${each}, 1)`,
        `local t = ${each} for k in pairs(t) do t[k] = nil end error("Attempt to modify a readonly")`,
      ]) {
        expect(run(change).reply, change).toContain('Attempt to modify a readonly');
      }
    }
  });
});
