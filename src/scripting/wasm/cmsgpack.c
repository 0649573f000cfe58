/*
** The cmsgpack library: MessagePack of the old kind (no bin types), as scripts
** of queue libraries use it. What is read is hostile: every length is checked
** against what is left before anything is made of it.
*/

#define MSGPACK_DEPTH_MAX 16

static Buffer packed;

static void pack_bytes(lua_State *L, int marker, uint64_t n, int size) {
  char *to = buffer_room(L, &packed, 9);
  int i;
  *to++ = (char)marker;
  for (i = size - 1; i >= 0; i--)
    *to++ = (char)(n >> (8 * i));
  packed.used += (size_t)size + 1;
}

static void pack_whole(lua_State *L, int64_t n) {
  if (n >= 0) {
    if (n <= 127) pack_bytes(L, (int)n, 0, 0);
    else if (n <= 0xff) pack_bytes(L, 0xcc, (uint64_t)n, 1);
    else if (n <= 0xffff) pack_bytes(L, 0xcd, (uint64_t)n, 2);
    else if (n <= 0xffffffffLL) pack_bytes(L, 0xce, (uint64_t)n, 4);
    else pack_bytes(L, 0xcf, (uint64_t)n, 8);
  }
  else if (n >= -32) pack_bytes(L, (int)n, 0, 0);
  else if (n >= -128) pack_bytes(L, 0xd0, (uint64_t)n, 1);
  else if (n >= -32768) pack_bytes(L, 0xd1, (uint64_t)n, 2);
  else if (n >= -2147483648LL) pack_bytes(L, 0xd2, (uint64_t)n, 4);
  else pack_bytes(L, 0xd3, (uint64_t)n, 8);
}

static void pack_number(lua_State *L, double n) {
  if (n >= -9223372036854775808.0 && n < 9223372036854775808.0 && (double)(int64_t)n == n)
    pack_whole(L, (int64_t)n);
  else if ((double)(float)n == n) {
    union { float n; uint32_t bits; } x;
    x.n = (float)n;
    pack_bytes(L, 0xca, x.bits, 4);
  }
  else {
    union { double n; uint64_t bits; } x;
    x.n = n;
    pack_bytes(L, 0xcb, x.bits, 8);
  }
}

static void pack_count(lua_State *L, size_t n, int shortmarker, int marker) {
  if (n <= 15) pack_bytes(L, shortmarker | (int)n, 0, 0);
  else if (n <= 0xffff) pack_bytes(L, marker, n, 2);
  else pack_bytes(L, marker + 1, n, 4);
}

static void pack_string(lua_State *L, const char *s, size_t l) {
  if (l < 32) pack_bytes(L, 0xa0 | (int)l, 0, 0);
  else if (l <= 0xff) pack_bytes(L, 0xd9, l, 1);
  else if (l <= 0xffff) pack_bytes(L, 0xda, l, 2);
  else pack_bytes(L, 0xdb, l, 4);
  buffer_add(L, &packed, s, l);
}

/* Keys 1 to n and no other? */
static int pack_isarray(lua_State *L) {
  size_t count = 0, max = 0;
  luaL_checkstack(L, 2, "in function table_is_an_array");
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_Number n;
    lua_pop(L, 1);
    n = lua_tonumber(L, -1);
    if (lua_type(L, -1) != LUA_TNUMBER || !(n > 0) || n > INT_MAX || (lua_Number)(int)n != n) {
      lua_pop(L, 1);
      return 0;
    }
    if ((size_t)n > max)
      max = (size_t)n;
    count++;
  }
  return max == count;
}

/* Packs and pops the value on the top. */
static void pack_value(lua_State *L, int level) {
  int type = lua_type(L, -1);
  if (type == LUA_TTABLE && level == MSGPACK_DEPTH_MAX)
    type = LUA_TNIL;
  switch (type) {
    case LUA_TSTRING: {
      size_t l;
      const char *s = lua_tolstring(L, -1, &l);
      pack_string(L, s, l);
      break;
    }
    case LUA_TBOOLEAN: pack_bytes(L, lua_toboolean(L, -1) ? 0xc3 : 0xc2, 0, 0); break;
    case LUA_TNUMBER: pack_number(L, lua_tonumber(L, -1)); break;
    case LUA_TTABLE:
      if (pack_isarray(L)) {
        size_t i, n = lua_objlen(L, -1);
        pack_count(L, n, 0x90, 0xdc);
        luaL_checkstack(L, 1, "in function mp_encode_lua_table_as_array");
        for (i = 1; i <= n; i++) {
          lua_rawgeti(L, -1, (int)i);
          pack_value(L, level + 1);
        }
      }
      else {
        size_t n = 0;
        luaL_checkstack(L, 3, "in function mp_encode_lua_table_as_map");
        lua_pushnil(L);
        while (lua_next(L, -2)) {
          lua_pop(L, 1);
          n++;
        }
        pack_count(L, n, 0x80, 0xde);
        lua_pushnil(L);
        while (lua_next(L, -2)) {
          lua_pushvalue(L, -2);
          pack_value(L, level + 1);
          pack_value(L, level + 1);
        }
      }
      break;
    default: pack_bytes(L, 0xc0, 0, 0);
  }
  lua_pop(L, 1);
}

static int msgpack_pack(lua_State *L) {
  int i, n = lua_gettop(L);
  if (n == 0)
    return luaL_argerror(L, 0, "MessagePack pack needs input.");
  if (!lua_checkstack(L, n))
    return luaL_argerror(L, 0, "Too many arguments for MessagePack pack.");
  buffer_reset(&packed);
  for (i = 1; i <= n; i++) {
    luaL_checkstack(L, 1, "in function mp_check");
    lua_pushvalue(L, i);
    pack_value(L, 0);
  }
  lua_pushlstring(L, packed.data, packed.used);
  buffer_reset(&packed);
  return 1;
}

/* --- reading --------------------------------------------------------------- */

/* Each level takes some 300 bytes of the host's stack. */
#define UNPACK_DEPTH_MAX 1500

#define UNPACK_OK 0
#define UNPACK_MISSING 1
#define UNPACK_BAD 2

typedef struct Unpacker {
  const unsigned char *p;
  size_t left;
  int error;
  int depth;
} Unpacker;

static int unpack_need(Unpacker *u, size_t n) {
  if (u->left >= n)
    return 1;
  u->error = UNPACK_MISSING;
  return 0;
}

/* The big-endian number of `size` bytes after the marker, and past both. */
static uint64_t unpack_bytes(Unpacker *u, int size) {
  uint64_t n = 0;
  int i;
  for (i = 1; i <= size; i++)
    n = (n << 8) | u->p[i];
  u->p += size + 1;
  u->left -= (size_t)size + 1;
  return n;
}

static void unpack_value(lua_State *L, Unpacker *u);

static void unpack_string(lua_State *L, Unpacker *u, size_t l) {
  if (!unpack_need(u, l))
    return;
  lua_pushlstring(L, (const char *)u->p, l);
  u->p += l;
  u->left -= l;
}

/* Pushes the table of one more level. */
static void unpack_descend(lua_State *L, Unpacker *u, const char *where) {
  lua_newtable(L);
  if (++u->depth > UNPACK_DEPTH_MAX || !lua_checkstack(L, 1))
    luaL_error(L, "stack overflow (%s)", where);
}

static void unpack_array(lua_State *L, Unpacker *u, size_t n) {
  int i;
  unpack_descend(L, u, "in function mp_decode_to_lua_array");
  for (i = 1; n-- > 0; i++) {
    lua_pushnumber(L, i);
    unpack_value(L, u);
    if (u->error)
      return;
    lua_rawset(L, -3);
  }
  u->depth--;
}

static void unpack_map(lua_State *L, Unpacker *u, size_t n) {
  unpack_descend(L, u, "in function mp_decode_to_lua_hash");
  while (n-- > 0) {
    unpack_value(L, u);
    if (u->error)
      return;
    unpack_value(L, u);
    if (u->error)
      return;
    lua_rawset(L, -3);
  }
  u->depth--;
}

/* A marker with a number of `size` bytes after it. */
static int unpack_sized(Unpacker *u, int size, uint64_t *n) {
  if (!unpack_need(u, (size_t)size + 1))
    return 0;
  *n = unpack_bytes(u, size);
  return 1;
}

static void unpack_value(lua_State *L, Unpacker *u) {
  int marker;
  uint64_t n = 0;
  if (!unpack_need(u, 1))
    return;
  luaL_checkstack(L, 1,
      "too many return values at once; use unpack_one or unpack_limit instead.");
  marker = *u->p;
  switch (marker) {
    case 0xcc: case 0xcd: case 0xce: case 0xcf:
      if (unpack_sized(u, 1 << (marker - 0xcc), &n))
        lua_pushnumber(L, (lua_Number)(int64_t)n);
      return;
    case 0xd0: if (unpack_sized(u, 1, &n)) lua_pushnumber(L, (int8_t)n); return;
    case 0xd1: if (unpack_sized(u, 2, &n)) lua_pushnumber(L, (int16_t)n); return;
    case 0xd2: if (unpack_sized(u, 4, &n)) lua_pushnumber(L, (int32_t)n); return;
    case 0xd3: if (unpack_sized(u, 8, &n)) lua_pushnumber(L, (lua_Number)(int64_t)n); return;
    case 0xc0: unpack_bytes(u, 0); lua_pushnil(L); return;
    case 0xc2: case 0xc3: unpack_bytes(u, 0); lua_pushboolean(L, marker & 1); return;
    case 0xca:
      if (unpack_sized(u, 4, &n)) {
        union { uint32_t bits; float n; } x;
        x.bits = (uint32_t)n;
        lua_pushnumber(L, x.n);
      }
      return;
    case 0xcb:
      if (unpack_sized(u, 8, &n)) {
        union { uint64_t bits; double n; } x;
        x.bits = n;
        lua_pushnumber(L, x.n);
      }
      return;
    case 0xd9: if (unpack_sized(u, 1, &n)) unpack_string(L, u, (size_t)n); return;
    case 0xda: if (unpack_sized(u, 2, &n)) unpack_string(L, u, (size_t)n); return;
    case 0xdb: if (unpack_sized(u, 4, &n)) unpack_string(L, u, (size_t)n); return;
    case 0xdc: if (unpack_sized(u, 2, &n)) unpack_array(L, u, (size_t)n); return;
    case 0xdd: if (unpack_sized(u, 4, &n)) unpack_array(L, u, (size_t)n); return;
    case 0xde: if (unpack_sized(u, 2, &n)) unpack_map(L, u, (size_t)n); return;
    case 0xdf: if (unpack_sized(u, 4, &n)) unpack_map(L, u, (size_t)n); return;
    default: break;
  }
  if (marker < 0x80 || marker >= 0xe0) {
    unpack_bytes(u, 0);
    lua_pushnumber(L, (int8_t)marker);
  }
  else if (marker < 0x90) {
    unpack_bytes(u, 0);
    unpack_map(L, u, (size_t)(marker & 15));
  }
  else if (marker < 0xa0) {
    unpack_bytes(u, 0);
    unpack_array(L, u, (size_t)(marker & 15));
  }
  else if (marker < 0xc0) {
    unpack_bytes(u, 0);
    unpack_string(L, u, (size_t)(marker & 31));
  }
  else
    u->error = UNPACK_BAD;
}

static int unpack_from(lua_State *L, int limit, int offset) {
  size_t length;
  const char *s;
  Unpacker u;
  int count = 0, all = limit == 0 && offset == 0;
  s = luaL_checklstring(L, 1, &length);
  if (offset < 0 || limit < 0)
    return luaL_error(L, "Invalid request to unpack with offset of %d and limit of %d.", offset,
                      (int)length);
  if ((size_t)offset > length)
    return luaL_error(L, "Start offset %d greater than input length %d.", offset, (int)length);
  if (all)
    limit = INT_MAX;
  u.p = (const unsigned char *)s + offset;
  u.left = length - (size_t)offset;
  u.error = UNPACK_OK;
  u.depth = 0;
  for (; u.left > 0 && count < limit; count++) {
    unpack_value(L, &u);
    if (u.error == UNPACK_MISSING)
      return luaL_error(L, "Missing bytes in input.");
    if (u.error == UNPACK_BAD)
      return luaL_error(L, "Bad data format in input.");
  }
  if (!all) {
    luaL_checkstack(L, 1, "in function mp_unpack_full");
    lua_pushinteger(L, u.left == 0 ? -1 : (lua_Integer)(length - u.left));
    lua_insert(L, 2);
    count++;
  }
  return count;
}

static int msgpack_unpack(lua_State *L) { return unpack_from(L, 0, 0); }

static int msgpack_unpack_one(lua_State *L) {
  int offset = (int)luaL_optinteger(L, 2, 0);
  lua_settop(L, lua_gettop(L) < 1 ? 0 : 1);
  return unpack_from(L, 1, offset);
}

static int msgpack_unpack_limit(lua_State *L) {
  int limit = (int)luaL_checkinteger(L, 2);
  int offset = (int)luaL_optinteger(L, 3, 0);
  lua_settop(L, 1);
  return unpack_from(L, limit, offset);
}

static const luaL_Reg cmsgpacklib[] = {
  {"pack", msgpack_pack}, {"unpack", msgpack_unpack}, {"unpack_one", msgpack_unpack_one},
  {"unpack_limit", msgpack_unpack_limit}, {NULL, NULL},
};

static int open_cmsgpack(lua_State *L) {
  luaL_register(L, "cmsgpack", cmsgpacklib);
  lua_pushliteral(L, "cmsgpack");
  setfield(L, -2, "_NAME");
  lua_pushliteral(L, "lua-cmsgpack 0.4.0");
  setfield(L, -2, "_VERSION");
  lua_pushliteral(L, "Copyright (C) 2012, Salvatore Sanfilippo");
  setfield(L, -2, "_COPYRIGHT");
  lua_pushliteral(L, "MessagePack C implementation for Lua");
  setfield(L, -2, "_DESCRIPTION");
  return 1;
}
