/**
 * Attacks of one connection, and what becomes of them. `test/security/cases.test.ts` tries each
 * here and on redis-server, and keeps the tables of docs/security.md.
 *
 * A step is a command line in redis-cli's quoting, or bytes as they are. What counts is what comes
 * after the last step: the reply, `waits` (nothing comes), `closed`.
 */

export interface Case {
  readonly id: string;
  /** The attack or the rule. */
  readonly what: string;
  readonly steps: readonly (string | Buffer)[];
  /** What happens. */
  readonly outcome: string;
  /** What redis-server 7.0.15 does where that differs; '' where it is not tried there. */
  readonly reference?: string;
  /** Whether a password is set that the connection has not given. */
  readonly locked?: boolean;
}

const raw = (text: string) => Buffer.from(text, 'latin1');

/** Numbers the rows of a topic. */
function topic(
  prefix: string,
  rows: readonly (readonly [
    what: string,
    steps: string | Buffer | readonly (string | Buffer)[],
    outcome: string,
    more?: Partial<Case>,
  ])[],
): Case[] {
  return rows.map(([what, steps, outcome, more], i) => ({
    id: `${prefix}-${i + 1}`,
    what,
    steps: typeof steps === 'string' || Buffer.isBuffer(steps) ? [steps] : steps,
    outcome,
    ...more,
  }));
}

const mbulk = '-ERR Protocol error: invalid multibulk length; closed';
const bulk = '-ERR Protocol error: invalid bulk length; closed';
const locked = { locked: true } as const;

const bytes = topic('bytes', [
  ['2^31 arguments are announced', raw('*2147483648\r\n'), mbulk],
  ['2^31 - 1 arguments are announced', raw('*2147483647\r\n'), 'waits'],
  ['10^9 arguments are announced', raw('*1000000000\r\n'), 'waits'],
  ['an argument above proto-max-bulk-len', raw('*1\r\n$536870913\r\n'), bulk],
  ['an argument of 512 MiB is announced', raw('*1\r\n$536869864\r\n'), 'waits'],
  ['a negative length', raw('*1\r\n$-1\r\n'), bulk],
  ['a length that is no number', raw('*1\r\n$x\r\n'), bulk],
  ['a length with a leading zero', raw('*1\r\n$04\r\nPING\r\n'), bulk],
  ['a length of 20 digits', raw('*1\r\n$99999999999999999999\r\n'), bulk],
  ['no length', raw('*1\r\n$\r\n'), bulk],
  ['a count that is no number', raw('*x\r\n'), mbulk],
  ['a count with a sign', raw('*+1\r\n'), mbulk],
  ['a count with a blank', raw('* 1\r\n'), mbulk],
  ['a count with a leading zero', raw('*01\r\n'), mbulk],
  ['a count of 20 digits', raw('*99999999999999999999\r\n'), mbulk],
  [
    'something else where a length belongs',
    raw('*1\r\nPING\r\n'),
    "-ERR Protocol error: expected '$', got 'P'; closed",
  ],
  [
    'a zero byte where a length belongs',
    raw('*1\r\n\0\r\n'),
    "-ERR Protocol error: expected '$', got '\0'; closed",
    { reference: 'waits' },
  ],
  ['an empty request', raw('\r\n\r\nPING\r\n'), '+PONG'],
  ['a request of no arguments', raw('*0\r\nPING\r\n'), '+PONG'],
  ['a request of -10 arguments', raw('*-10\r\nPING\r\n'), '+PONG'],
  [
    'an empty request within others (CVE-2026-27623)',
    raw('*0\r\n*1\r\n$4\r\nPING\r\n*0\r\n'),
    '+PONG',
  ],
  ['text behind an argument', raw('*1\r\n$4\r\nPINGXX'), '+PONG'],
  [
    'an inline request of 70,000 bytes',
    raw('x'.repeat(70_000)),
    '-ERR Protocol error: too big inline request; closed',
  ],
  [
    'a count of 70,000 bytes',
    raw(`*${'1'.repeat(70_000)}`),
    '-ERR Protocol error: too big mbulk count string; closed',
  ],
  [
    'a length of 70,000 bytes',
    raw(`*1\r\n$${'1'.repeat(70_000)}`),
    '-ERR Protocol error: too big bulk count string; closed',
  ],
  [
    'quotes that do not end',
    raw('GET "a\r\n'),
    '-ERR Protocol error: unbalanced quotes in request; closed',
  ],
  [
    'text behind a quote',
    raw('GET "a"b\r\n'),
    '-ERR Protocol error: unbalanced quotes in request; closed',
  ],
  ['a browser: POST (CVE-2016-10517)', raw('POST / HTTP/1.1\r\nSET a b\r\n'), 'closed'],
  ['a browser: post', raw('post / HTTP/1.1\r\n'), 'closed'],
  ['a browser: a Host header', raw('GET /\r\nHost: x\r\nSET a b\r\n'), 'closed'],
  ['a request of a zero byte', raw('\0\r\nPING\r\n'), '+PONG', { reference: 'waits' }],
]);

const early = topic('early', [
  [
    '11 arguments before the password (CVE-2021-32675)',
    raw('*11\r\n'),
    '-ERR Protocol error: unauthenticated multibulk length; closed',
    locked,
  ],
  ['10 arguments before the password', raw('*10\r\n'), 'waits', locked],
  [
    '16385 bytes before the password',
    raw('*1\r\n$16385\r\n'),
    '-ERR Protocol error: unauthenticated bulk length; closed',
    locked,
  ],
  ['16384 bytes before the password', raw('*1\r\n$16384\r\n'), 'waits', locked],
  ['GET before the password', 'GET a', '-NOAUTH Authentication required.', locked],
  ['EVAL before the password', 'EVAL "return 1" 0', '-NOAUTH Authentication required.', locked],
  [
    'an unknown command before the password',
    'NOTHERE',
    "-ERR unknown command 'NOTHERE', with args beginning with: ",
    { ...locked },
  ],
  [
    'CONFIG before the password',
    'CONFIG GET requirepass',
    '-NOAUTH Authentication required.',
    locked,
  ],
  ['SUBSCRIBE before the password', 'SUBSCRIBE a', '-NOAUTH Authentication required.', locked],
  ['MONITOR before the password', 'MONITOR', '-NOAUTH Authentication required.', locked],
  ['SHUTDOWN before the password', 'SHUTDOWN NOSAVE', '-NOAUTH Authentication required.', locked],
  [
    'DEBUG before the password',
    'DEBUG SLEEP 10',
    '-ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.',
    locked,
  ],
  ['MULTI before the password', 'MULTI', '-NOAUTH Authentication required.', locked],
  ['RESET before the password', ['RESET', 'GET a'], '-NOAUTH Authentication required.', locked],
  [
    'HELLO before the password',
    'HELLO 3',
    '-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    locked,
  ],
  [
    'a wrong password',
    'AUTH wrong',
    '-WRONGPASS invalid username-password pair or user is disabled.',
    locked,
  ],
  [
    'the start of the password',
    'AUTH open',
    '-WRONGPASS invalid username-password pair or user is disabled.',
    locked,
  ],
  [
    'the password and a zero byte',
    'AUTH "open sesame\\x00"',
    '-WRONGPASS invalid username-password pair or user is disabled.',
    locked,
  ],
  [
    'an empty password',
    'AUTH ""',
    '-WRONGPASS invalid username-password pair or user is disabled.',
    locked,
  ],
  [
    'another user with the password',
    'AUTH __proto__ "open sesame"',
    '-WRONGPASS invalid username-password pair or user is disabled.',
    locked,
  ],
  ['the password itself', 'AUTH "open sesame"', '+OK', locked],
]);

const replies = topic('reply', [
  [
    'line ends in an error of a script',
    'EVAL "return redis.error_reply(\'X\\\\r\\\\n+INJ\')" 0',
    '-ERR X  +INJ',
  ],
  [
    'line ends in a status of a script',
    'EVAL "return redis.status_reply(\'X\\\\r\\\\n+INJ\')" 0',
    '+X  +INJ',
  ],
  ['line ends in {err=}', 'EVAL "return {err=\'X\\\\r\\\\n$1\'}" 0', '-X  $1'],
  ['line ends in {ok=}', 'EVAL "return {ok=\'X\\\\n+INJ\'}" 0', '+X +INJ'],
  [
    'line ends in the name of a command',
    '"NOT\\r\\n+INJ"',
    "-ERR unknown command 'NOT  +INJ', with args beginning with: ",
  ],
  [
    'line ends in the arguments of an unknown command',
    'NOTHERE "a\\r\\n+INJ"',
    "-ERR unknown command 'NOTHERE', with args beginning with: 'a  +INJ' ",
  ],
  [
    'line ends in a subcommand',
    'CONFIG "X\\r\\n+INJ"',
    "-ERR unknown subcommand 'X  +INJ'. Try CONFIG HELP.",
  ],
  [
    'line ends in the name of a directive',
    'CONFIG SET "X\\r\\n+INJ" 1',
    "-ERR Unknown option or number of arguments for CONFIG SET - 'X  +INJ'",
  ],
  [
    'line ends in the name of a client',
    'CLIENT SETNAME "a\\nb"',
    '-ERR Client names cannot contain spaces, newlines or special characters.',
  ],
  [
    'line ends in an error() of a script',
    'EVAL "error(\'X\\\\r\\\\n+INJ\')" 0',
    '-ERR user_script:1: X  +INJ script: *, on @user_script:1.',
  ],
  [
    'a very long name of a command',
    `"${'y'.repeat(500)}"`,
    `-ERR unknown command '${'y'.repeat(128)}', with args beginning with: `,
  ],
]);

const MIN = '-9223372036854775808';
const MAX = '9223372036854775807';
const notInteger = '-ERR value is not an integer or out of range';
const overLong = '-ERR string exceeds maximum allowed size (proto-max-bulk-len)';

const numbers = topic('number', [
  ['INCR past 2^63 - 1', [`SET n ${MAX}`, 'INCR n'], '-ERR increment or decrement would overflow'],
  ['DECR past -2^63', [`SET n ${MIN}`, 'DECR n'], '-ERR increment or decrement would overflow'],
  ['DECRBY -2^63', `DECRBY n ${MIN}`, '-ERR decrement would overflow'],
  ['INCRBY of 20 digits', 'INCRBY n 99999999999999999999', notInteger],
  ['INCR of a text', ['SET n x', 'INCR n'], notInteger],
  ['INCR of a number with a blank', ['SET n " 1"', 'INCR n'], notInteger],
  ['INCR of +1', ['SET n +1', 'INCR n'], notInteger],
  ['INCR of 0x10', ['SET n 0x10', 'INCR n'], notInteger],
  ['INCR of 1e3', ['SET n 1e3', 'INCR n'], notInteger],
  ['INCRBYFLOAT inf', 'INCRBYFLOAT n inf', '-ERR increment would produce NaN or Infinity'],
  ['INCRBYFLOAT nan', 'INCRBYFLOAT n nan', '-ERR value is not a valid float'],
  ['HINCRBYFLOAT inf (CVE-2023-28856)', 'HINCRBYFLOAT h f inf', '-ERR value is NaN or Infinity'],
  ['HINCRBYFLOAT nan', 'HINCRBYFLOAT h f nan', '-ERR value is not a valid float'],
  [
    'HINCRBY past 2^63 - 1',
    [`HSET h f ${MAX}`, 'HINCRBY h f 1'],
    '-ERR increment or decrement would overflow',
  ],
  ['ZADD nan', 'ZADD z nan a', '-ERR value is not a valid float'],
  [
    'ZINCRBY -inf on +inf',
    ['ZADD z inf a', 'ZINCRBY z -inf a'],
    '-ERR resulting score is not a number (NaN)',
  ],
  [
    'SRANDMEMBER -2^63 (CVE-2023-25155)',
    ['SADD s a', `SRANDMEMBER s ${MIN}`],
    `-ERR value is out of range, value must between -${MAX} and ${MAX}`,
  ],
  [
    'ZRANDMEMBER -2^63',
    ['ZADD z 1 a', `ZRANDMEMBER z ${MIN}`],
    `-ERR value is out of range, value must between -${MAX} and ${MAX}`,
  ],
  [
    'HRANDFIELD -2^63',
    ['HSET h a 1', `HRANDFIELD h ${MIN}`],
    `-ERR value is out of range, value must between -${MAX} and ${MAX}`,
  ],
  [
    'HRANDFIELD WITHVALUES -2^63 + 5808',
    ['HSET h a 1', 'HRANDFIELD h -9223372036854770000 WITHVALUES'],
    '-ERR value is out of range',
  ],
  [
    'ZRANDMEMBER WITHSCORES -2^63 + 5808',
    ['ZADD z 1 a', 'ZRANDMEMBER z -9223372036854770000 WITHSCORES'],
    '-ERR value is out of range',
  ],
  ['SETRANGE at 2^63 - 1 (CVE-2022-35977)', `SETRANGE k ${MAX} a`, overLong],
  ['SETRANGE past 512 MiB', 'SETRANGE k 536870911 aa', overLong],
  ['SETRANGE at -1', 'SETRANGE k -1 a', '-ERR offset is out of range'],
  ['SORT LIMIT 2^63 - 1', ['RPUSH l 3 1 2', `SORT_RO l LIMIT 2 ${MAX}`], '*1 $1 3'],
  ['SETBIT at 2^32', 'SETBIT k 4294967296 1', '-ERR bit offset is not an integer or out of range'],
  ['SETBIT at -1', 'SETBIT k -1 1', '-ERR bit offset is not an integer or out of range'],
  ['GETBIT at 2^32', 'GETBIT k 4294967296', '-ERR bit offset is not an integer or out of range'],
  [
    'BITFIELD # past the end',
    `BITFIELD k GET u8 #${MAX}`,
    '-ERR bit offset is not an integer or out of range',
  ],
  [
    'BITFIELD u64',
    'BITFIELD k GET u64 0',
    '-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.',
  ],
  ['BITCOUNT from -2^63 to 2^63 - 1', ['SET k a', `BITCOUNT k ${MIN} ${MAX}`], ':3'],
  ['BITPOS to 2^63 - 1', ['SET k a', `BITPOS k 1 0 ${MAX}`], ':1'],
  ['GETRANGE from -2^63 to 2^63 - 1', ['SET k abc', `GETRANGE k ${MIN} ${MAX}`], '$3 abc'],
  ['LRANGE from -2^63 to 2^63 - 1', ['RPUSH l a', `LRANGE l ${MIN} ${MAX}`], '*1 $1 a'],
  ['LTRIM to -2^63', ['RPUSH l a', `LTRIM l 0 ${MIN}`, 'EXISTS l'], ':0'],
  ['LINDEX 2^63 - 1', ['RPUSH l a', `LINDEX l ${MAX}`], '$-1'],
  [
    'LSET 2^32 (an index cut to 32 bits)',
    ['RPUSH l a', 'LSET l 4294967296 b'],
    '-ERR index out of range',
  ],
  ['LREM -2^63', ['RPUSH l a a', `LREM l ${MIN} a`], ':2'],
  ['LPOS RANK -2^63', ['RPUSH l a', `LPOS l a RANK ${MIN}`], ':0'],
  ['LPOP 2^63 - 1', ['RPUSH l a', `LPOP l ${MAX}`], '*1 $1 a'],
  ['LPOP -1', ['RPUSH l a', 'LPOP l -1'], '-ERR value is out of range, must be positive'],
  ['SPOP 2^63 - 1', ['SADD s a', `SPOP s ${MAX}`], '*1 $1 a'],
  ['SCAN COUNT 2^63 - 1', ['SET a 1', `SCAN 0 COUNT ${MAX}`], '*2 $1 0 *1 $1 a'],
  ['SCAN with a cursor of 30 digits', 'SCAN 999999999999999999999999999999', '-ERR invalid cursor'],
  ['ZRANGE from -2^63 to 2^63 - 1', ['ZADD z 1 a', `ZRANGE z ${MIN} ${MAX}`], '*1 $1 a'],
  [
    'ZRANGEBYSCORE LIMIT 0 -2^63',
    ['ZADD z 1 a', `ZRANGEBYSCORE z -inf +inf LIMIT 0 ${MIN}`],
    '*1 $1 a',
  ],
  [
    'ZRANGEBYSCORE LIMIT 2^63 - 1',
    ['ZADD z 1 a', `ZRANGEBYSCORE z -inf +inf LIMIT ${MAX} 1`],
    '*0',
  ],
  [
    'EXPIRE past 2^63 ms',
    ['SET k a', `EXPIRE k ${MAX}`],
    "-ERR invalid expire time in 'expire' command",
  ],
  ['PEXPIREAT -2^63', ['SET k a', `PEXPIREAT k ${MIN}`], ':1'],
  ['SET EX 2^63 - 1', `SET k a EX ${MAX}`, "-ERR invalid expire time in 'set' command"],
  ['SET PX 0', 'SET k a PX 0', "-ERR invalid expire time in 'set' command"],
  [
    'SELECT 2^32',
    'SELECT 4294967296',
    '-ERR value is out of range, value must between -2147483648 and 2147483647',
  ],
  ['SELECT -1', 'SELECT -1', '-ERR DB index is out of range'],
  [
    'XADD with an ID past 2^64',
    'XADD x 18446744073709551616-0 a b',
    '-ERR Invalid stream ID specified as stream command argument',
  ],
  [
    'XADD with the last ID',
    ['XADD x 18446744073709551615-18446744073709551615 a b', 'XADD x * a b'],
    '-ERR The stream has exhausted the last possible ID, unable to add more items',
  ],
  [
    'XAUTOCLAIM COUNT 2^62 (CVE-2022-35951)',
    ['XGROUP CREATE x g 0 MKSTREAM', 'XAUTOCLAIM x g c 0 0 COUNT 8070450532247928833'],
    '-ERR COUNT must be > 0',
  ],
  [
    'XREAD COUNT -1',
    ['XADD x 1-1 a b', 'XREAD COUNT -1 STREAMS x 0'],
    '*1 *2 $1 x *1 *2 $3 1-1 *2 $1 a $1 b',
  ],
  ['ZMPOP COUNT 2^63 - 1', ['ZADD z 1 a', `ZMPOP 1 z MIN COUNT ${MAX}`], '*2 $1 z *1 *2 $1 a $1 1'],
  ['LMPOP of 2^63 - 1 keys', `LMPOP ${MAX} l LEFT`, '-ERR syntax error'],
  ['ZUNION of 2^63 - 1 keys', `ZUNION ${MAX} z`, '-ERR syntax error'],
  [
    'EVAL with 2^63 - 1 keys',
    `EVAL "return 1" ${MAX}`,
    "-ERR Number of keys can't be greater than number of args",
  ],
  ['EVAL with -1 keys', 'EVAL "return 1" -1', "-ERR Number of keys can't be negative"],
  ['GEOADD with nan', 'GEOADD g nan 1 a', '-ERR value is not a valid float'],
  ['GEORADIUS with a negative radius', 'GEORADIUS g 0 0 -1 m', '-ERR radius cannot be negative'],
  ['MSETNX of one key twice (CVE-2023-28425)', ['MSETNX x 1 x 2', 'GET x'], '$1 2'],
  [
    'a limit past 64 bits (CVE-2016-8339)',
    [
      'CONFIG SET client-output-buffer-limit "normal 2000000000000000000000 0 0"',
      'CONFIG SET client-output-buffer-limit "normal -5 0 0"',
    ],
    "-ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Error in hard, soft or soft_seconds setting in buffer limit configuration.",
  ],
  [
    'OBJECT FREQ with a policy without',
    ['SET k a', 'OBJECT FREQ k'],
    '-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
  ],
]);

const lua = topic('script', [
  [
    'a library of files',
    'EVAL "return io" 0',
    "-ERR user_script:1: Script attempted to access nonexistent global variable 'io' script: *, on @user_script:1.",
  ],
  [
    'the host: process',
    'EVAL "return process" 0',
    "-ERR user_script:1: Script attempted to access nonexistent global variable 'process' script: *, on @user_script:1.",
  ],
  [
    'the host: globalThis',
    'EVAL "return globalThis" 0',
    "-ERR user_script:1: Script attempted to access nonexistent global variable 'globalThis' script: *, on @user_script:1.",
  ],
  [
    'require',
    'EVAL "return require" 0',
    "-ERR user_script:1: Script attempted to access nonexistent global variable 'require' script: *, on @user_script:1.",
  ],
  [
    'package (CVE-2022-0543)',
    'EVAL "return package" 0',
    "-ERR user_script:1: Script attempted to access nonexistent global variable 'package' script: *, on @user_script:1.",
  ],
  [
    'dofile',
    'EVAL "return dofile" 0',
    "-ERR user_script:1: Script attempted to access nonexistent global variable 'dofile' script: *, on @user_script:1.",
  ],
  [
    'loadfile',
    'EVAL "return loadfile" 0',
    "-ERR user_script:1: Script attempted to access nonexistent global variable 'loadfile' script: *, on @user_script:1.",
  ],
  [
    'print',
    'EVAL "return print" 0',
    "-ERR user_script:1: Script attempted to access nonexistent global variable 'print' script: *, on @user_script:1.",
  ],
  [
    'debug',
    'EVAL "return debug" 0',
    "-ERR user_script:1: Script attempted to access nonexistent global variable 'debug' script: *, on @user_script:1.",
  ],
  [
    'the rest of os',
    'EVAL "return os.execute" 0',
    '$-1',
    {
      reference:
        "-ERR user_script:1: Script attempted to access nonexistent global variable 'os' script: *, on @user_script:1.",
    },
  ],
  [
    'the constructor of a host function',
    'EVAL "return redis.call.constructor" 0',
    "-ERR user_script:1: attempt to index field 'call' (a function value) script: *, on @user_script:1.",
  ],
  ['bytecode (CVE-2015-4335)', 'EVAL "return loadstring(string.char(27)..\'Lua\')==nil" 0', ':1'],
  [
    'a global of its own',
    'EVAL "x=1" 0',
    '-ERR user_script:1: Attempt to modify a readonly table script: *, on @user_script:1.',
  ],
  [
    'another redis.call (CVE-2022-24735)',
    'EVAL "redis.call=nil" 0',
    '-ERR user_script:1: Attempt to modify a readonly table script: *, on @user_script:1.',
  ],
  [
    'another string.rep',
    'EVAL "string.rep=nil" 0',
    '-ERR user_script:1: Attempt to modify a readonly table script: *, on @user_script:1.',
  ],
  [
    'another global through _G',
    'EVAL "_G.x=1" 0',
    '-ERR user_script:1: Attempt to modify a readonly table script: *, on @user_script:1.',
  ],
  [
    'the metatable of strings (CVE-2025-46818)',
    'EVAL "getmetatable(\'\').__index=1" 0',
    '-ERR user_script:1: Attempt to modify a readonly table script: *, on @user_script:1.',
  ],
  [
    'unpack of 2^31 (CVE-2025-46817)',
    'EVAL "return unpack({1,2,3},0,2147483647)" 0',
    '-ERR user_script:1: too many results to unpack script: *, on @user_script:1.',
  ],
  [
    'unpack of 8,000',
    'EVAL "return {unpack({},1,8000)}" 0',
    '-ERR user_script:1: too many results to unpack script: *, on @user_script:1.',
  ],
  [
    'recursion without end',
    'EVAL "local function f() return 1 + f() end return f()" 0',
    '-ERR user_script:1: stack overflow script: *, on @user_script:1.',
  ],
  [
    'bit.tohex of -2^31 (CVE-2024-31449)',
    'EVAL "return bit.tohex(65535,-2147483648)" 0',
    '$8 0000FFFF',
  ],
  [
    'struct.pack of 2^31 - 1 bytes',
    'EVAL "return struct.pack(\'i2147483647\',1)" 0',
    '-ERR user_script:1: integral size 2147483647 is larger than limit of 32 script: *, on @user_script:1.',
  ],
  [
    'struct.unpack of 2^31 - 1 bytes',
    "EVAL \"return struct.unpack('>I2147483647','10')\" 0",
    '-ERR user_script:1: integral size 2147483647 is larger than limit of 32 script: *, on @user_script:1.',
  ],
  [
    'JSON of 100,000 open brackets',
    'EVAL "return cjson.decode(string.rep(\'[\',100000))" 0',
    '-ERR user_script:1: Found too many nested data structures (1001) at character 1001 script: *, on @user_script:1.',
  ],
  [
    'JSON of a table that holds itself',
    'EVAL "local t={} t[1]=t return cjson.encode(t)" 0',
    '-ERR user_script:1: Cannot serialise, excessive nesting (1001) script: *, on @user_script:1.',
  ],
  [
    'cmsgpack of a length that is not there',
    'EVAL "return cmsgpack.unpack(string.char(220,255,255))" 0',
    '-ERR user_script:1: Missing bytes in input. script: *, on @user_script:1.',
  ],
  [
    'a metatable that raises on a reply',
    'EVAL "return setmetatable({}, {__index=function() error(1) end})" 0',
    '*0',
  ],
  [
    'redis.call of nothing',
    'EVAL "return redis.call()" 0',
    '-ERR Please specify at least one argument for this redis lib call script: *, on @user_script:1.',
  ],
  [
    'a write in a read-only script',
    'EVAL_RO "return redis.call(\'SET\',KEYS[1],1)" 1 k',
    '-ERR Write commands are not allowed from read-only scripts. script: *, on @user_script:1.',
  ],
  [
    'SUBSCRIBE in a script',
    "EVAL \"return redis.call('SUBSCRIBE','a')\" 0",
    '-ERR This Redis command is not allowed from script script: *, on @user_script:1.',
  ],
  [
    'AUTH in a script',
    "EVAL \"return redis.call('AUTH','a')\" 0",
    '-ERR This Redis command is not allowed from script script: *, on @user_script:1.',
  ],
  [
    'MULTI in a script',
    'EVAL "return redis.call(\'MULTI\')" 0',
    '-ERR This Redis command is not allowed from script script: *, on @user_script:1.',
  ],
]);

const setProtected = (name: string) =>
  `-ERR CONFIG SET failed (possibly related to argument '${name}') - can't set protected config`;
const setFixed = (name: string) =>
  `-ERR CONFIG SET failed (possibly related to argument '${name}') - can't set immutable config`;

const config = topic('config', [
  ['where files are written: dir', 'CONFIG SET dir /tmp', setProtected('dir')],
  [
    'what they are called: dbfilename',
    'CONFIG SET dbfilename authorized_keys',
    setProtected('dbfilename'),
  ],
  ['the same behind something harmless', 'CONFIG SET hz 20 dir /tmp', setProtected('dir')],
  [
    'nothing of such a call is set',
    ['CONFIG SET hz 20 dir /tmp', 'CONFIG GET hz'],
    '*2 $2 hz $2 10',
  ],
  ['CONFIG SET logfile', 'CONFIG SET logfile /tmp/x', setFixed('logfile')],
  ['CONFIG SET aclfile', 'CONFIG SET aclfile /tmp/x', setFixed('aclfile')],
  ['CONFIG SET pidfile', 'CONFIG SET pidfile /tmp/x', setFixed('pidfile')],
  ['CONFIG SET unixsocket', 'CONFIG SET unixsocket /tmp/x', setFixed('unixsocket')],
  ['CONFIG SET unixsocketperm', 'CONFIG SET unixsocketperm 777', setFixed('unixsocketperm')],
  ['CONFIG SET appendfilename', 'CONFIG SET appendfilename x', setFixed('appendfilename')],
  ['CONFIG SET appenddirname', 'CONFIG SET appenddirname x', setFixed('appenddirname')],
  ['CONFIG SET daemonize', 'CONFIG SET daemonize yes', setFixed('daemonize')],
  ['CONFIG SET supervised', 'CONFIG SET supervised systemd', setFixed('supervised')],
  ['CONFIG SET databases', 'CONFIG SET databases 1', setFixed('databases')],
  [
    'CONFIG SET enable-protected-configs',
    'CONFIG SET enable-protected-configs yes',
    setFixed('enable-protected-configs'),
  ],
  [
    'CONFIG SET enable-debug-command',
    'CONFIG SET enable-debug-command yes',
    setFixed('enable-debug-command'),
  ],
  [
    'CONFIG SET enable-module-command',
    'CONFIG SET enable-module-command yes',
    setFixed('enable-module-command'),
  ],
  [
    'CONFIG REWRITE without a file',
    'CONFIG REWRITE',
    '-ERR The server is running without a config file',
  ],
  [
    'one directive twice',
    'CONFIG SET hz 1 hz 2',
    "-ERR CONFIG SET failed (possibly related to argument 'hz') - duplicate parameter",
  ],
  [
    'a directive that is not there',
    'CONFIG SET __proto__ 1',
    "-ERR Unknown option or number of arguments for CONFIG SET - '__proto__'",
  ],
  [
    'CONFIG GET of a pattern of 40 stars (CVE-2022-36021)',
    `CONFIG GET "${'a*'.repeat(40)}b"`,
    '*0',
  ],
  [
    'a size that is none',
    'CONFIG SET maxmemory 1x',
    "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value",
  ],
  [
    'a negative number',
    'CONFIG SET timeout -1',
    "-ERR CONFIG SET failed (possibly related to argument 'timeout') - argument must be between 0 and 2147483647 inclusive",
  ],
  ['dbfilename with a path', 'CONFIG SET dbfilename ../x', setProtected('dbfilename')],
]);

export const cases: readonly Case[] = [
  ...bytes,
  ...early,
  ...replies,
  ...numbers,
  ...lua,
  ...config,
];
