/*
** The struct library: values to and from packed bytes by a format.
** Sizes are those of a 64-bit machine (long and size_t have eight bytes),
** whatever this module is compiled for.
*/

#define STRUCT_INT_MAX 32
#define STRUCT_ALIGN_MAX 8

typedef struct StructFormat {
  lua_State *L;
  const char *p;
  int little;
  size_t align;
} StructFormat;

/* The number that may follow an option. */
static size_t struct_number(StructFormat *f, size_t otherwise) {
  size_t n = 0;
  if (!isdigit((unsigned char)*f->p))
    return otherwise;
  while (isdigit((unsigned char)*f->p)) {
    size_t digit = (size_t)(*f->p++ - '0');
    if (n > (INT_MAX / 10) || n * 10 > INT_MAX - digit)
      luaL_error(f->L, "integral size overflow");
    n = n * 10 + digit;
  }
  return n;
}

/* Bytes an option takes; 0 when it has none of its own. */
static size_t struct_size(StructFormat *f, int option) {
  switch (option) {
    case 'B': case 'b': case 'x': return 1;
    case 'H': case 'h': return 2;
    case 'L': case 'l': case 'T': case 'd': return 8;
    case 'f': return 4;
    case 'c': return struct_number(f, 1);
    case 'i': case 'I': {
      size_t size = struct_number(f, 4);
      if (size > STRUCT_INT_MAX)
        luaL_error(f->L, "integral size %d is larger than limit of %d", (int)size,
                   STRUCT_INT_MAX);
      return size;
    }
    default: return 0;
  }
}

static size_t struct_padding(const StructFormat *f, size_t at, int option, size_t size) {
  if (size == 0 || option == 'c')
    return 0;
  if (size > f->align)
    size = f->align;
  return size > 1 ? (size - (at & (size - 1))) & (size - 1) : 0;
}

static void struct_control(StructFormat *f, int option) {
  switch (option) {
    case ' ': return;
    case '>': f->little = 0; return;
    case '<': f->little = 1; return;
    case '!': {
      size_t align = struct_number(f, STRUCT_ALIGN_MAX);
      if (align == 0 || (align & (align - 1)) != 0)
        luaL_error(f->L, "alignment %d is not a power of 2", (int)align);
      f->align = align;
      return;
    }
    default: {
      const char *message = lua_pushfstring(f->L, "invalid format option '%c'", option);
      luaL_argerror(f->L, 1, message);
    }
  }
}

static void struct_start(StructFormat *f, lua_State *L) {
  f->L = L;
  f->p = luaL_checkstring(L, 1);
  f->little = 1;
  f->align = 1;
}

/* The bytes of a float in the order that is asked for. */
static void struct_order(const StructFormat *f, char *bytes, size_t size) {
  size_t i;
  if (f->little)
    return;
  for (i = 0; i < size / 2; i++) {
    char c = bytes[i];
    bytes[i] = bytes[size - 1 - i];
    bytes[size - 1 - i] = c;
  }
}

static void struct_addint(StructFormat *f, luaL_Buffer *b, int arg, size_t size) {
  char bytes[STRUCT_INT_MAX];
  lua_Number n = luaL_checknumber(f->L, arg);
  uint64_t value = n < 0 ? (uint64_t)number2int64(n) : number2uint64(n);
  size_t i;
  for (i = 0; i < size; i++) {
    bytes[f->little ? i : size - 1 - i] = (char)(value & 0xff);
    value >>= 8;
  }
  luaL_addlstring(b, bytes, size);
}

static int struct_pack(lua_State *L) {
  luaL_Buffer b;
  StructFormat f;
  int arg = 2;
  size_t total = 0;
  struct_start(&f, L);
  lua_pushnil(L); /* what is read past the last argument */
  luaL_buffinit(L, &b);
  while (*f.p != '\0') {
    int option = (unsigned char)*f.p++;
    size_t size = struct_size(&f, option);
    size_t padding = struct_padding(&f, total, option, size);
    total += padding;
    while (padding-- > 0)
      luaL_addchar(&b, '\0');
    switch (option) {
      case 'b': case 'B': case 'h': case 'H': case 'l': case 'L': case 'T': case 'i': case 'I':
        struct_addint(&f, &b, arg++, size);
        break;
      case 'x':
        luaL_addchar(&b, '\0');
        break;
      case 'f': {
        union { float n; char bytes[4]; } x;
        x.n = (float)luaL_checknumber(L, arg++);
        struct_order(&f, x.bytes, size);
        luaL_addlstring(&b, x.bytes, size);
        break;
      }
      case 'd': {
        union { double n; char bytes[8]; } x;
        x.n = luaL_checknumber(L, arg++);
        struct_order(&f, x.bytes, size);
        luaL_addlstring(&b, x.bytes, size);
        break;
      }
      case 'c': case 's': {
        size_t l;
        const char *s = luaL_checklstring(L, arg++, &l);
        if (size == 0)
          size = l;
        luaL_argcheck(L, l >= size, arg, "string too short");
        luaL_addlstring(&b, s, size);
        if (option == 's') {
          luaL_addchar(&b, '\0');
          size++;
        }
        break;
      }
      default:
        struct_control(&f, option);
    }
    total += size;
  }
  luaL_pushresult(&b);
  return 1;
}

static lua_Number struct_getint(const StructFormat *f, const char *data, size_t size,
                                int issigned) {
  uint64_t value = 0;
  size_t i;
  for (i = 0; i < size; i++)
    value = (value << 8) | (unsigned char)data[f->little ? size - 1 - i : i];
  if (!issigned)
    return (lua_Number)value;
  {
    uint64_t mask = ~(uint64_t)0 << ((size * 8 - 1) & 63);
    if (value & mask)
      value |= mask;
    return (lua_Number)(int64_t)value;
  }
}

static int struct_unpack(lua_State *L) {
  StructFormat f;
  size_t length;
  const char *data;
  lua_Integer start;
  size_t at;
  int count = 0;
  struct_start(&f, L);
  data = luaL_checklstring(L, 2, &length);
  start = luaL_optinteger(L, 3, 1);
  luaL_argcheck(L, start > 0, 3, "offset must be 1 or greater");
  at = start - 1 > (lua_Integer)length + 1 ? length + 1 : (size_t)(start - 1);
  lua_settop(L, 2);
  while (*f.p != '\0') {
    int option = (unsigned char)*f.p++;
    size_t size = struct_size(&f, option);
    at += struct_padding(&f, at, option, size);
    luaL_argcheck(L, size <= length && at <= length - size, 2, "data string too short");
    luaL_checkstack(L, 2, "too many results");
    switch (option) {
      case 'b': case 'B': case 'h': case 'H': case 'l': case 'L': case 'T': case 'i': case 'I':
        lua_pushnumber(L, struct_getint(&f, data + at, size, islower(option)));
        count++;
        break;
      case 'x':
        break;
      case 'f': {
        union { float n; char bytes[4]; } x;
        memcpy(x.bytes, data + at, size);
        struct_order(&f, x.bytes, size);
        lua_pushnumber(L, x.n);
        count++;
        break;
      }
      case 'd': {
        union { double n; char bytes[8]; } x;
        memcpy(x.bytes, data + at, size);
        struct_order(&f, x.bytes, size);
        lua_pushnumber(L, x.n);
        count++;
        break;
      }
      case 'c':
        if (size == 0) {
          lua_Number n;
          if (count == 0 || !lua_isnumber(L, -1))
            luaL_error(L, "format 'c0' needs a previous size");
          n = lua_tonumber(L, -1);
          luaL_argcheck(L, n >= 0 && n <= (lua_Number)length && at <= length - (size_t)n, 2,
                        "data string too short");
          size = (size_t)n;
          lua_pop(L, 1);
          count--;
        }
        lua_pushlstring(L, data + at, size);
        count++;
        break;
      case 's': {
        const char *end = (const char *)memchr(data + at, '\0', length - at);
        if (end == NULL)
          luaL_error(L, "unfinished string in data");
        size = (size_t)(end - (data + at)) + 1;
        lua_pushlstring(L, data + at, size - 1);
        count++;
        break;
      }
      default:
        struct_control(&f, option);
    }
    at += size;
  }
  lua_pushinteger(L, (lua_Integer)at + 1);
  return count + 1;
}

static int struct_sizeof(lua_State *L) {
  StructFormat f;
  size_t at = 0;
  struct_start(&f, L);
  while (*f.p != '\0') {
    int option = (unsigned char)*f.p++;
    size_t size = struct_size(&f, option);
    at += struct_padding(&f, at, option, size);
    if (option == 's')
      luaL_argerror(L, 1, "option 's' has no fixed size");
    else if (option == 'c' && size == 0)
      luaL_argerror(L, 1, "option 'c0' has no fixed size");
    if (!isalnum(option))
      struct_control(&f, option);
    at += size;
  }
  lua_pushinteger(L, (lua_Integer)at);
  return 1;
}

static const luaL_Reg structlib[] = {
  {"pack", struct_pack}, {"unpack", struct_unpack}, {"size", struct_sizeof}, {NULL, NULL},
};

static int open_struct(lua_State *L) {
  luaL_register(L, "struct", structlib);
  return 1;
}
