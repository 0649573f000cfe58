/*
** One translation unit, so that the compiler sees all of it: Lua's core and
** libraries (files of Lua 5.1.5, patched), then ours.
*/
#define luaall_c
#define LUA_CORE
#define LUA_LIB

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lapi.c"
#include "lcode.c"
#include "ldebug.c"
#include "ldump.c"
#include "lfunc.c"
#include "lgc.c"
#include "llex.c"
#include "lmem.c"
#include "lobject.c"
#include "lopcodes.c"
#include "lparser.c"
#include "lstate.c"
#include "lstring.c"
#include "ltable.c"
#include "ltm.c"
#include "lzio.c"
#include "ldo.c"
#include "lvm.c"
#include "lauxlib.c"
#include "lbaselib.c"
#include "lmathlib.c"
#include "lstrlib.c"
#include "ltablib.c"

#include "respite.c"
#include "sha1.c"
#include "bit.c"
#include "struct.c"
#include "cjson.c"
#include "cmsgpack.c"
#include "redis.c"
#include "run.c"
