/**
 * Random Lua programs over what scripts may use, the same for the same seed. Each is a list of
 * expressions whose results, or errors, a program returns as text; the two servers must agree on every
 * byte. Left out is what has no fixed answer: addresses, chance, clocks.
 */

/** mulberry32 */
export class Seeded {
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

/** How a program shows a value: types, numbers to 17 digits, tables with sorted keys. */
const PRELUDE = `
local function show(v, depth)
  local t = type(v)
  if t == "number" then return string.format("%.17g", v) end
  if t == "string" then return string.format("%q", v) end
  if t == "table" then
    if depth > 4 then return "{...}" end
    local parts = {}
    for k, x in pairs(v) do parts[#parts + 1] = "[" .. show(k, depth + 1) .. "]=" .. show(x, depth + 1) end
    table.sort(parts)
    return "{" .. table.concat(parts, ",") .. "}"
  end
  if t == "nil" or t == "boolean" then return tostring(v) end
  return t
end
local function try(f)
  local r = {pcall(f)}
  local out = {}
  for i = 1, table.maxn(r) do out[i] = show(r[i], 0) end
  return table.concat(out, " ")
end
local function id(...) return ... end
local t1, t2, t3 = {1, 2, 3, "x", n = 5}, {a = 1, b = {c = "d"}}, {}
local s1, s2 = "hello World 123", "a\\0b\\255%d[x]"
`;

const NUMBERS = (
  '0 1 -1 2 3 7 10 255 256 -128 65535 65536 2147483647 2147483648 -2147483648 4294967295 4294967296 ' +
  '9007199254740992 1e15 1e16 123456789012345 1e100 -1e300 0.5 -0.5 1.5 2.5 0.1 1e-7 1/3 1/0 -1/0'
).split(' ');
const STRINGS = [
  '""',
  '"a"',
  '"abc"',
  '"0x10"',
  '"10"',
  '" 12 "',
  '"1e3"',
  '"-7.25"',
  '"nan"',
  's1',
  's2',
  '"\\0\\1\\255"',
  '"a,b,,c"',
  '("xy"):rep(20)',
  '"\\r\\n\\t"',
  '"\\195\\169"',
];
const PATTERNS = [
  '"l"',
  '"l+"',
  '"(%a+)"',
  '"%d+"',
  '"^h(.-)o"',
  '"[%w_]*"',
  '"(o)(%s)"',
  '"()l()"',
  '"%f[%w]%w+"',
  '"%bxy"',
  '"."',
  '".-"',
  '"%"',
  '"["',
  '"(a"',
  '"a)"',
  '"%z"',
  '"[^%s]+$"',
  '"x?y*"',
  '"(.)%1"',
  '"%2"',
];
const JSON_TEXTS = [
  "'[1,2.5,-3e2,null,true]'",
  `'{"a":{"b":[]},"c":"\\\\u00e9"}'`,
  "'[1,'",
  '\'{"a":1,}\'',
  "' [ ] '",
  '\'"\\\\ud83d\\\\ude00"\'',
  "'nul'",
  "'1e5'",
  "'-0'",
  "'[[[[1]]]]'",
  '\'{"1":2}\'',
  "'\"a'",
];
const FORMATS = [
  '"%d"',
  '"%5.2f"',
  '"%s"',
  '"%q"',
  '"%x"',
  '"%X"',
  '"%o"',
  '"%e"',
  '"%g"',
  '"%i"',
  '"%u"',
  '"%c"',
  '"%-8s|"',
  '"%+d"',
  '"%#x"',
  '"%05d"',
  '"%.3s"',
  '"%10.4s"',
  '"%%"',
];
const STRUCTS = [
  '"b"',
  '"B"',
  '"h"',
  '">H"',
  '"<l"',
  '">L"',
  '"i3"',
  '">I5"',
  '"f"',
  '">d"',
  '"s"',
  '"c3"',
  '"!4bi"',
  '"x"',
  '"T"',
  '"i16"',
];

/** Makes expressions. */
class Expressions {
  private readonly random: Seeded;

  constructor(random: Seeded) {
    this.random = random;
  }

  number(): string {
    const { random } = this;
    switch (random.below(5)) {
      case 0:
        return String(random.below(2000) - 1000);
      case 1:
        return `(${this.value(2)} ${random.of(['+', '-', '*', '/', '%'])} ${this.value(2)})`;
      default:
        return random.of(NUMBERS);
    }
  }

  string(): string {
    return this.random.below(6) === 0
      ? `(${this.value(2)} .. ${this.value(2)})`
      : this.random.of(STRINGS);
  }

  table(): string {
    const { random } = this;
    if (random.below(2) === 0) return random.of(['t1', 't2', 't3', '{}', '{1,2,3}', '{nil,2}']);
    const parts = Array.from({ length: random.below(5) }, () => {
      const value = this.value(1);
      return random.of([value, `a=${value}`, `[${random.of(NUMBERS.slice(0, 12))}]=${value}`]);
    });
    return `{${parts.join(',')}}`;
  }

  value(depth: number): string {
    const { random } = this;
    switch (random.below(depth > 1 ? 6 : 8)) {
      case 0:
        return random.of(['nil', 'true', 'false', 'cjson.null']);
      case 1:
      case 2:
        return random.of(NUMBERS);
      case 3:
      case 4:
        return random.of(STRINGS);
      case 5:
        return depth > 0 ? random.of(['t1', 't2', '{}']) : this.table();
      default:
        return depth > 0 ? random.of(NUMBERS) : this.call();
    }
  }

  /** A call of a library; each row is equally likely. */
  call(): string {
    const { random: r } = this;
    const n = () => this.number();
    const s = () => this.string();
    const t = () => this.table();
    const v = () => this.value(1);
    const rows: readonly (() => string)[] = [
      () => `string.${r.of(['len', 'lower', 'upper', 'reverse', 'byte'])}(${s()})`,
      () => `string.sub(${s()}, ${n()}, ${n()})`,
      () => `string.byte(${s()}, ${n()}, ${n()})`,
      () => `string.char(${r.below(300)}, ${r.below(256)})`,
      () => `string.rep(${s()}, ${r.below(12) - 2})`,
      () => `string.find(${s()}, ${r.of(PATTERNS)}, ${r.below(12) - 4}, ${r.of(['true', 'nil'])})`,
      () => `string.match(${s()}, ${r.of(PATTERNS)})`,
      () =>
        `string.gsub(${s()}, ${r.of(PATTERNS)}, ${r.of(['"<%0>"', '"%1"', '"%9"', 't2', 'id'])})`,
      () => `string.format(${r.of(FORMATS)}, ${v()})`,
      () => `tostring(${r.of([...NUMBERS, ...STRINGS, 'nil', 'true', 'cjson.null'])})`,
      () => `tonumber(${v()}${r.of(['', ', 2', ', 16', ', 36', ', 1'])})`,
      () => `select(${r.of(['"#"', '1', '2', '-1', '0', 'nil'])}, ${v()}, ${v()})`,
      () => `math.${r.of(['floor', 'ceil', 'abs', 'sqrt', 'frexp', 'modf'])}(${n()})`,
      () => `math.${r.of(['fmod', 'max', 'min', 'ldexp'])}(${n()}, ${r.below(40) - 10})`,
      // The last bit of a power is the C library's.
      () => `string.format("%.12g", ${v()} ^ ${r.below(9) - 3})`,
      () => `table.concat(${t()}, ${s()})`,
      () => `#${t()}`,
      () => `unpack(${t()}, ${r.below(5) - 1}, ${r.below(6)})`,
      () => `table.maxn(${t()})`,
      () => `(function() local t = ${t()} table.sort(t) return t end)()`,
      () => `(function() local t = ${t()} table.insert(t, ${v()}) return t end)()`,
      () => `(function() local t = ${t()} return table.remove(t, ${r.below(4)}), t end)()`,
      () => `bit.${r.of(['band', 'bor', 'bxor'])}(${n()}, ${n()})`,
      () => `bit.${r.of(['lshift', 'rshift', 'arshift', 'rol', 'ror', 'tohex'])}(${n()}, ${n()})`,
      () => `bit.${r.of(['tobit', 'bnot', 'bswap'])}(${v()})`,
      () => `cjson.encode(${this.value(0)})`,
      () => `cjson.decode(${r.of(JSON_TEXTS)})`,
      () => `cjson.decode(cjson.encode(${t()}))`,
      () => `cmsgpack.pack(${v()}, ${t()})`,
      () => `cmsgpack.unpack(cmsgpack.pack(${v()}, ${t()}))`,
      () => `cmsgpack.unpack(${s()})`,
      () => `struct.pack(${r.of(STRUCTS)} .. ${r.of(STRUCTS)}, ${v()}, ${v()})`,
      () => `struct.unpack(${r.of(STRUCTS)}, ${s()} .. ${s()})`,
      () => `struct.size(${r.of(STRUCTS)})`,
      () => `(${v()} ${r.of(['==', '~=', '<', '<=', '>', '>='])} ${v()})`,
      () => `(${v()} ${r.of(['and', 'or'])} ${v()})`,
      () => `redis.sha1hex(${v()})`,
      () => `redis.${r.of(['error_reply', 'status_reply'])}(${v()})`,
      () => `redis.${r.of(['call', 'pcall'])}("SET", "k", ${v()})`,
      () => `redis.${r.of(['call', 'pcall'])}(${r.of(['"GET"', '"INCR"', '"LLEN"'])}, "k")`,
      () => `redis.call("HSET", "h", ${v()}, ${v()})`,
      () => `redis.call("HGETALL", "h")`,
      () => `(rawget(${t()}, ${v()}))`,
      () => `next(${r.of(['{}', '{5}', '{a=1}'])})`,
      () => `setmetatable({}, {__index = ${r.of(['t2', 'id', '{x=1}'])}}).${r.of(['a', 'x', 'y'])}`,
      () => `loadstring(${r.of(['"return 1"', '"return ..."', '"x ="', '"for"'])})`,
      () => `coroutine.wrap(function(a) local b = coroutine.yield(a) return b end)(${v()})`,
    ];
    return r.of(rows)();
  }
}

/** A program of some 20 expressions; it returns their results as texts. */
export function luaProgram(seed: number): string {
  const random = new Seeded(seed);
  const make = new Expressions(random);
  const lines = Array.from({ length: 20 }, (_, i) => {
    const call = make.call();
    return `out[${i + 1}] = try(function() return ${call} end)`;
  });
  return `${PRELUDE}\nlocal out = {}\n${lines.join('\n')}\nreturn out`;
}

/** A script that reads each argument with a decoder and returns what came of it. */
export function decoderScript(decode: string): string {
  return `${PRELUDE}\nlocal out = {}
    for i, text in ipairs(ARGV) do out[i] = try(function() return ${decode} end) end return out`;
}

/** Bytes near what a decoder reads: pieces of its language, some of them damaged. */
export function nearlyEncoded(random: Seeded, pieces: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  const count = random.below(8);
  for (let i = 0; i < count; i++) {
    if (random.below(5) === 0) {
      parts.push(Buffer.from(Array.from({ length: random.below(6) }, () => random.below(256))));
    } else parts.push(Buffer.from(random.of(pieces), 'latin1'));
  }
  return Buffer.concat(parts);
}
