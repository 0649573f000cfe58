/*
** The bit library: 32-bit arithmetic on numbers taken modulo 2^32.
*/

static uint32_t bitarg(lua_State *L, int i) {
  union { double n; uint64_t bits; } x;
  /* 1.5 * 2^52 moves the low 32 bits of the rounded number to the low word */
  x.n = luaL_checknumber(L, i) + 6755399441055744.0;
  return (uint32_t)x.bits;
}

static int bitresult(lua_State *L, uint32_t b) {
  lua_pushnumber(L, (lua_Number)(int32_t)b);
  return 1;
}

static int bit_tobit(lua_State *L) { return bitresult(L, bitarg(L, 1)); }
static int bit_bnot(lua_State *L) { return bitresult(L, ~bitarg(L, 1)); }

static int bit_band(lua_State *L) {
  uint32_t b = bitarg(L, 1);
  int i;
  for (i = lua_gettop(L); i > 1; i--)
    b &= bitarg(L, i);
  return bitresult(L, b);
}

static int bit_bor(lua_State *L) {
  uint32_t b = bitarg(L, 1);
  int i;
  for (i = lua_gettop(L); i > 1; i--)
    b |= bitarg(L, i);
  return bitresult(L, b);
}

static int bit_bxor(lua_State *L) {
  uint32_t b = bitarg(L, 1);
  int i;
  for (i = lua_gettop(L); i > 1; i--)
    b ^= bitarg(L, i);
  return bitresult(L, b);
}

static int bit_lshift(lua_State *L) {
  uint32_t b = bitarg(L, 1), n = bitarg(L, 2) & 31;
  return bitresult(L, b << n);
}

static int bit_rshift(lua_State *L) {
  uint32_t b = bitarg(L, 1), n = bitarg(L, 2) & 31;
  return bitresult(L, b >> n);
}

static int bit_arshift(lua_State *L) {
  uint32_t b = bitarg(L, 1), n = bitarg(L, 2) & 31;
  return bitresult(L, (uint32_t)((int32_t)b >> n));
}

static int bit_rol(lua_State *L) {
  uint32_t b = bitarg(L, 1), n = bitarg(L, 2) & 31;
  return bitresult(L, (b << n) | (b >> ((32 - n) & 31)));
}

static int bit_ror(lua_State *L) {
  uint32_t b = bitarg(L, 1), n = bitarg(L, 2) & 31;
  return bitresult(L, (b >> n) | (b << ((32 - n) & 31)));
}

static int bit_bswap(lua_State *L) {
  return bitresult(L, __builtin_bswap32(bitarg(L, 1)));
}

static int bit_tohex(lua_State *L) {
  uint32_t b = bitarg(L, 1);
  int32_t n = lua_isnone(L, 2) ? 8 : (int32_t)bitarg(L, 2);
  const char *digits = "0123456789abcdef";
  char text[8];
  int i;
  if (n < 0) {
    n = n == INT32_MIN ? INT32_MAX : -n;
    digits = "0123456789ABCDEF";
  }
  if (n > 8)
    n = 8;
  for (i = n; --i >= 0; b >>= 4)
    text[i] = digits[b & 15];
  lua_pushlstring(L, text, (size_t)n);
  return 1;
}

static const luaL_Reg bitlib[] = {
  {"tobit", bit_tobit}, {"bnot", bit_bnot}, {"band", bit_band}, {"bor", bit_bor},
  {"bxor", bit_bxor}, {"lshift", bit_lshift}, {"rshift", bit_rshift},
  {"arshift", bit_arshift}, {"rol", bit_rol}, {"ror", bit_ror}, {"bswap", bit_bswap},
  {"tohex", bit_tohex}, {NULL, NULL},
};

static int open_bit(lua_State *L) {
  luaL_register(L, "bit", bitlib);
  return 1;
}
