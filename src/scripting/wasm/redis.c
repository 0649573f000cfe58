/*
** What scripts see of Redis, and how the host runs them: the tables `redis` and
** `server`, the protection of globals, arguments and replies as bytes.
**
** Strings that cross: arguments of a command are pointers into Lua's heap,
** valid during the call; a reply is RESP in the buffer `reply`; a script's
** result is RESP in the buffer `result`.
*/

#define EXPORT(name) __attribute__((export_name(name), used))
#define IMPORT(name) __attribute__((import_module("env"), import_name(name)))

/*
** Runs a command; its reply is in `reply`. Returns the reply's bytes: none where it is not `wanted`
** and no error.
*/
IMPORT("call") int host_call(int argc, const unsigned *arguments, int resp, int wanted);
/* May the user run it? 1, 0, or -1 when there is no such command. */
IMPORT("acl") int host_acl(int argc, const unsigned *arguments);
IMPORT("log") void host_log(int level, const char *text, int length);
IMPORT("setRepl") void host_setrepl(int flags);
/* Offers a function of the library being loaded; 0, or 1 when its name is taken. */
IMPORT("register") int host_register(const char *name, int namelength, const char *description,
                                     int descriptionlength, int flags, int ref);

static lua_State *state;
static Buffer reply;
static Buffer result;
static Buffer argtext;
static Buffer request;
static int scriptresp = 2;
static int loadinglibrary = 0;

/* --- errors ---------------------------------------------------------------- */

/* A text with CR and LF as blanks. Ends at a NUL, as every error text of Redis. */
static void buffer_line(lua_State *L, Buffer *b, const char *s) {
  size_t i, l = strlen(s);
  char *to = buffer_room(L, b, l);
  for (i = 0; i < l; i++)
    to[i] = s[i] == '\r' || s[i] == '\n' ? ' ' : s[i];
  b->used += l;
}

static int islineend(char c) { return c == '\n' || c == '\r'; }

/*
** Pushes {err=...}. "-CODE text" is taken as it is; a text without the minus,
** or with no blank after its first word, gets the code ERR. Line ends around
** the text go.
*/
static void pusherror(lua_State *L, const char *text, size_t l) {
  const char *code = "ERR";
  size_t codelength = 3;
  lua_newtable(L);
  if (l > 0 && text[0] == '-') {
    const char *blank = (const char *)memchr(text, ' ', l);
    text++;
    l--;
    if (blank != NULL) {
      code = text;
      codelength = (size_t)(blank - text);
      text = blank + 1;
      l -= codelength + 1;
    }
  }
  while (l > 0 && islineend(text[0])) {
    text++;
    l--;
  }
  while (l > 0 && islineend(text[l - 1]))
    l--;
  lua_pushlstring(L, code, codelength);
  lua_pushliteral(L, " ");
  lua_pushlstring(L, text, l);
  lua_concat(L, 3);
  setfield(L, -2, "err");
}

static int throwerror(lua_State *L, const char *text) {
  pusherror(L, text, strlen(text));
  return lua_error(L);
}

/* An error that was counted when it was made: it is not counted again. */
static void markcounted(lua_State *L) {
  lua_pushboolean(L, 1);
  setfield(L, -2, "ignore_error_stats_update");
}

/*
** The handler of every script: makes a table of the error and notes where it
** happened. Level 0 is this function, 1 what raised the error.
*/
static int errorhandler(lua_State *L) {
  lua_Debug ar;
  int found = lua_getstack(L, 1, &ar);
  lua_settop(L, 1);
  if (found) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.what[0] == 'C') {
      found = lua_getstack(L, 2, &ar);
      if (found)
        lua_getinfo(L, "Sl", &ar);
    }
  }
  if (!lua_istable(L, 1)) {
    lua_pushliteral(L, "ERR ");
    if (lua_isstring(L, 1))
      lua_pushvalue(L, 1);
    else if (lua_isnil(L, 1))
      lua_pushliteral(L, "nil");
    else if (lua_isboolean(L, 1))
      lua_pushstring(L, lua_toboolean(L, 1) ? "true" : "false");
    else
      lua_pushfstring(L, "%s: %p", luaL_typename(L, 1), lua_topointer(L, 1));
    lua_concat(L, 2);
    lua_newtable(L);
    lua_insert(L, -2);
    setfield(L, -2, "err");
  }
  if (found) {
    lua_pushstring(L, ar.source);
    setfield(L, -2, "source");
    lua_pushinteger(L, ar.currentline);
    setfield(L, -2, "line");
  }
  return 1;
}

/* pcall, whose errors are texts as they were before errors became tables. */
static int textpcall(lua_State *L) {
  int status;
  if (lua_gettop(L) == 0)
    lua_pushnil(L); /* Redis fails to look, and calls nothing */
  status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  if (status != 0 && lua_istable(L, -1)) {
    lua_getfield(L, -1, "err");
    if (lua_isstring(L, -1))
      lua_replace(L, -2);
  }
  lua_pushboolean(L, status == 0);
  lua_insert(L, 1);
  return lua_gettop(L);
}

/* --- replies of commands --------------------------------------------------- */

typedef struct ReplyReader {
  const char *p;
  const char *end;
} ReplyReader;

/* The number after the type byte; p is past its line afterwards. */
static int64_t reply_number(ReplyReader *r) {
  const char *p = r->p + 1;
  int negative = *p == '-';
  uint64_t n = 0;
  if (negative)
    p++;
  while (*p >= '0' && *p <= '9')
    n = n * 10 + (uint64_t)(*p++ - '0');
  r->p = p + 2;
  return (int64_t)(negative ? 0 - n : n);
}

/* The text after the type byte; p is past its line afterwards. */
static const char *reply_line(ReplyReader *r, size_t *l) {
  const char *s = r->p + 1;
  const char *end = (const char *)memchr(s, '\r', (size_t)(r->end - s));
  *l = (size_t)(end - s);
  r->p = end + 2;
  return s;
}

static void pushreply(lua_State *L, ReplyReader *r);

static void pushmap(lua_State *L, ReplyReader *r, const char *field) {
  int64_t n = reply_number(r);
  luaL_checkstack(L, 6, "too many nested replies");
  lua_createtable(L, 0, 1);
  lua_createtable(L, 0, (int)n);
  while (n-- > 0) {
    pushreply(L, r);
    if (field[0] == 'm')
      pushreply(L, r);
    else
      lua_pushboolean(L, 1);
    lua_rawset(L, -3);
  }
  setfield(L, -2, field);
}

static void pushverbatim(lua_State *L, ReplyReader *r) {
  int64_t l = reply_number(r);
  lua_createtable(L, 0, 1);
  lua_createtable(L, 0, 2);
  lua_pushlstring(L, r->p + 4, (size_t)l - 4);
  setfield(L, -2, "string");
  lua_pushlstring(L, r->p, 3);
  setfield(L, -2, "format");
  setfield(L, -2, "verbatim_string");
  r->p += l + 2;
}

/* Pushes the reply at p as the value scripts know it by. */
static void pushreply(lua_State *L, ReplyReader *r) {
  size_t l;
  const char *s;
  switch (*r->p) {
    case ':': lua_pushnumber(L, (lua_Number)reply_number(r)); return;
    case '$': {
      int64_t n = reply_number(r);
      if (n < 0)
        lua_pushboolean(L, 0);
      else {
        lua_pushlstring(L, r->p, (size_t)n);
        r->p += n + 2;
      }
      return;
    }
    case '+':
      s = reply_line(r, &l);
      lua_createtable(L, 0, 1);
      lua_pushlstring(L, s, l);
      setfield(L, -2, "ok");
      return;
    case '-':
      s = r->p;
      reply_line(r, &l);
      pusherror(L, s, l + 1);
      markcounted(L);
      return;
    case '*': {
      int64_t i, n = reply_number(r);
      if (n < 0) {
        lua_pushboolean(L, 0);
        return;
      }
      luaL_checkstack(L, 4, "too many nested replies");
      lua_createtable(L, (int)n, 0);
      for (i = 1; i <= n; i++) {
        pushreply(L, r);
        lua_rawseti(L, -2, (int)i);
      }
      return;
    }
    case '_': r->p += 3; lua_pushnil(L); return;
    case '#': lua_pushboolean(L, r->p[1] == 't'); r->p += 4; return;
    case ',': {
      s = reply_line(r, &l);
      lua_createtable(L, 0, 1);
      lua_pushnumber(L, strtod(s, NULL));
      setfield(L, -2, "double");
      return;
    }
    case '(':
      s = reply_line(r, &l);
      lua_createtable(L, 0, 1);
      lua_pushlstring(L, s, l);
      setfield(L, -2, "big_number");
      return;
    case '=': pushverbatim(L, r); return;
    case '%': pushmap(L, r, "map"); return;
    case '~': pushmap(L, r, "set"); return;
    case '|': {
      int64_t n = reply_number(r) * 2;
      while (n-- > 0) {
        pushreply(L, r);
        lua_pop(L, 1);
      }
      pushreply(L, r);
      return;
    }
    default: luaL_error(L, "unknown reply");
  }
}

/* --- redis.call ------------------------------------------------------------ */

#define ARGUMENTS_INLINE 64

static unsigned inlinearguments[ARGUMENTS_INLINE * 2];
static unsigned *manyarguments = NULL;
static int manyarguments_size = 0;

/*
** The arguments on the stack as pairs of address and length; NULL with an error
** table on the stack. Texts of numbers are in `argtext`.
*/
static unsigned *collect(lua_State *L, int argc) {
  unsigned *arguments = inlinearguments;
  int i;
  if (argc == 0) {
    static const char text[] = "Please specify at least one argument for this redis lib call";
    pusherror(L, text, sizeof(text) - 1);
    return NULL;
  }
  if (argc > ARGUMENTS_INLINE) {
    if (argc > manyarguments_size) {
      free(manyarguments);
      manyarguments_size = 0;
      manyarguments = (unsigned *)malloc(sizeof(unsigned) * 2 * (size_t)argc);
      if (manyarguments == NULL)
        respite_nomemory(L);
      manyarguments_size = argc;
    }
    arguments = manyarguments;
  }
  argtext.used = 0;
  for (i = 0; i < argc; i++) {
    const TValue *value = L->base + i;
    switch (ttype(value)) {
      case LUA_TSTRING:
        arguments[2 * i] = (unsigned)(uintptr_t)svalue(value);
        arguments[2 * i + 1] = (unsigned)tsvalue(value)->len;
        break;
      case LUA_TNUMBER: {
        size_t l;
        char *to;
        /* room for all at once: what was handed out must not move */
        if (argtext.used == 0)
          buffer_room(L, &argtext, (size_t)argc * 32);
        to = argtext.data + argtext.used;
        l = (size_t)number2arg(to, nvalue(value));
        argtext.used += l;
        arguments[2 * i] = (unsigned)(uintptr_t)to;
        arguments[2 * i + 1] = (unsigned)l;
        break;
      }
      default: {
        static const char text[] = "Lua redis lib command arguments must be strings or integers";
        pusherror(L, text, sizeof(text) - 1);
        return NULL;
      }
    }
  }
  return arguments;
}

static int command(lua_State *L, int raise) {
  int argc = lua_gettop(L);
  unsigned *arguments;
  ReplyReader r;
  arguments = collect(L, argc);
  if (arguments == NULL)
    return raise ? lua_error(L) : 1;
  respite_charge(L, 200);
  {
    /* a call that stands by itself: nothing is made of its reply */
    int l = host_call(argc, arguments, scriptresp, L->ci->nresults != 0);
    if (l == 0)
      return 0;
    r.p = reply.data;
    r.end = reply.data + l;
    raise &= *r.p == '-';
    /* 8000 arguments may lie on the stack, which is all that there may be */
    lua_settop(L, 0);
    pushreply(L, &r);
    if (l > BUFFER_KEPT)
      buffer_reset(&reply);
  }
  return raise ? lua_error(L) : 1;
}

static int redis_call(lua_State *L) { return command(L, 1); }
static int redis_pcall(lua_State *L) { return command(L, 0); }

static int redis_acl_check_cmd(lua_State *L) {
  int argc = lua_gettop(L), may;
  unsigned *arguments;
  arguments = collect(L, argc);
  if (arguments == NULL)
    return lua_error(L);
  may = host_acl(argc, arguments);
  if (may < 0)
    return throwerror(L, "Invalid command passed to redis.acl_check_cmd()");
  lua_pushboolean(L, may);
  return 1;
}

/* --- the rest of the table ------------------------------------------------- */

static int redis_error_reply(lua_State *L) {
  size_t l;
  const char *s;
  if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TSTRING) {
    static const char text[] = "wrong number or type of arguments";
    pusherror(L, text, sizeof(text) - 1);
    return 1;
  }
  s = lua_tolstring(L, 1, &l);
  l = strlen(s);
  if (*s != '-') {
    lua_pushliteral(L, "-");
    lua_pushlstring(L, s, l);
    lua_concat(L, 2);
    s = lua_tolstring(L, -1, &l);
  }
  pusherror(L, s, l);
  return 1;
}

static int redis_status_reply(lua_State *L) {
  if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TSTRING) {
    static const char text[] = "wrong number or type of arguments";
    pusherror(L, text, sizeof(text) - 1);
    return 1;
  }
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, 1);
  setfield(L, -2, "ok");
  return 1;
}

static int redis_sha1hex(lua_State *L) {
  size_t l;
  const char *s;
  char hex[40];
  if (lua_gettop(L) != 1)
    return throwerror(L, "wrong number of arguments");
  s = lua_tolstring(L, 1, &l);
  sha1hex(hex, (const unsigned char *)s, s == NULL ? 0 : l);
  lua_pushlstring(L, hex, 40);
  return 1;
}

static int redis_log(lua_State *L) {
  int i, level, argc = lua_gettop(L);
  if (argc < 2)
    return throwerror(L, "redis.log() requires two arguments or more.");
  if (!lua_isnumber(L, 1))
    return throwerror(L, "First argument must be a number (log level).");
  level = (int)lua_tonumber(L, 1);
  if (level < 0 || level > 3)
    return throwerror(L, "Invalid debug level.");
  argtext.used = 0;
  for (i = 2; i <= argc; i++) {
    size_t l;
    const char *s = lua_tolstring(L, i, &l);
    if (s == NULL)
      continue;
    if (i != 2)
      buffer_char(L, &argtext, ' ');
    buffer_add(L, &argtext, s, l);
  }
  host_log(level, argtext.data, (int)argtext.used);
  return 0;
}

static int redis_setresp(lua_State *L) {
  double version;
  if (lua_gettop(L) != 1)
    return throwerror(L, "redis.setresp() requires one argument.");
  version = lua_tonumber(L, 1);
  if ((int)version != 2 && (int)version != 3)
    return throwerror(L, "RESP version must be 2 or 3.");
  scriptresp = (int)version;
  return 0;
}

static int redis_set_repl(lua_State *L) {
  int flags;
  if (lua_gettop(L) != 1)
    return throwerror(L, "redis.set_repl() requires two arguments.");
  flags = (int)lua_tonumber(L, 1);
  if ((flags & ~3) != 0)
    return throwerror(L,
        "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  host_setrepl(flags);
  return 0;
}

static int redis_replicate_commands(lua_State *L) {
  lua_pushboolean(L, 1);
  return 1;
}

static int redis_breakpoint(lua_State *L) {
  lua_pushboolean(L, 0);
  return 1;
}

static int redis_debug(lua_State *L) {
  (void)L;
  return 0;
}

/* --- functions ------------------------------------------------------------- */

static const char *const functionflags[] = {
  "no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys",
};

static int validname(const char *s, size_t l) {
  size_t i;
  for (i = 0; i < l; i++)
    if (!isalnum((unsigned char)s[i]) && s[i] != '_')
      return 0;
  return l > 0;
}

/* The flags of the table on the top as bits; throws for an unknown one. */
static int readflags(lua_State *L) {
  int flags = 0, i;
  for (i = 1;; i++) {
    const char *flag;
    size_t f;
    lua_rawgeti(L, -1, i);
    if (lua_isnil(L, -1))
      break;
    flag = lua_isstring(L, -1) ? lua_tostring(L, -1) : "";
    for (f = 0; f < sizeof(functionflags) / sizeof(functionflags[0]); f++)
      if (strcmp(flag, functionflags[f]) == 0)
        break;
    if (f == sizeof(functionflags) / sizeof(functionflags[0]))
      throwerror(L, "unknown flag given");
    flags |= 1 << f;
    lua_pop(L, 1);
  }
  /* The nil after the last flag, and the table: lua_next goes on from its key. */
  lua_pop(L, 2);
  return flags;
}

/* Named arguments: leaves name (2), callback (3), description or nil (4) on the stack. */
static int namedarguments(lua_State *L) {
  int flags = 0;
  if (!lua_istable(L, 1))
    throwerror(L, "calling redis.register_function with a single argument is only applicable to "
                  "Lua table (representing named arguments).");
  lua_settop(L, 1);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    const char *key;
    if (lua_type(L, -2) != LUA_TSTRING)
      throwerror(L, "named argument key given to redis.register_function is not a string");
    key = lua_tostring(L, -2);
    if (strcmp(key, "function_name") == 0) {
      if (!lua_isstring(L, -1))
        throwerror(L,
            "function_name argument given to redis.register_function must be a string");
      lua_replace(L, 2);
    }
    else if (strcmp(key, "description") == 0) {
      if (!lua_isstring(L, -1))
        throwerror(L, "description argument given to redis.register_function must be a string");
      lua_replace(L, 4);
    }
    else if (strcmp(key, "callback") == 0) {
      if (!lua_isfunction(L, -1))
        throwerror(L, "callback argument given to redis.register_function must be a function");
      lua_replace(L, 3);
    }
    else if (strcmp(key, "flags") == 0) {
      if (!lua_istable(L, -1))
        throwerror(L, "flags argument to redis.register_function must be a table representing "
                      "function flags");
      flags = readflags(L);
    }
    else
      throwerror(L, "unknown argument given to redis.register_function");
  }
  if (lua_isnil(L, 2))
    throwerror(L, "redis.register_function must get a function name argument");
  if (lua_isnil(L, 3))
    throwerror(L, "redis.register_function must get a callback argument");
  return flags;
}

static int redis_register_function(lua_State *L) {
  int flags = 0, argc = lua_gettop(L), ref;
  const char *name, *description = NULL;
  size_t namelength, descriptionlength = 0;
  if (!loadinglibrary)
    return throwerror(L, "redis.register_function can only be called on FUNCTION LOAD command");
  if (argc < 1 || argc > 2)
    return throwerror(L, "wrong number of arguments to redis.register_function");
  if (argc == 1) {
    flags = namedarguments(L);
    if (lua_isstring(L, 4))
      description = lua_tolstring(L, 4, &descriptionlength);
  }
  else {
    if (!lua_isstring(L, 1))
      return throwerror(L, "first argument to redis.register_function must be a string");
    if (!lua_isfunction(L, 2))
      return throwerror(L, "second argument to redis.register_function must be a function");
    lua_pushnil(L);
    lua_insert(L, 1);
  }
  name = lua_tolstring(L, 2, &namelength);
  if (!validname(name, namelength))
    return throwerror(L, "Library names can only contain letters, numbers, or underscores(_) and "
                         "must be at least one character long");
  lua_pushvalue(L, 3);
  ref = luaL_ref(L, LUA_REGISTRYINDEX);
  if (host_register(name, (int)namelength, description,
                    description == NULL ? -1 : (int)descriptionlength, flags, ref) != 0) {
    luaL_unref(L, LUA_REGISTRYINDEX, ref);
    return throwerror(L, "Function already exists in the library");
  }
  return 0;
}

/* --- globals --------------------------------------------------------------- */

static int missingglobal(lua_State *L) {
  if (lua_gettop(L) != 2)
    return luaL_error(L, "Wrong number of arguments to luaProtectedTableError");
  if (!lua_isstring(L, -1) && !lua_isnumber(L, -1))
    return luaL_error(L, "Second argument to luaProtectedTableError must be a string or number");
  return luaL_error(L, "Script attempted to access nonexistent global variable '%s'",
                    lua_tostring(L, -1));
}

/* Gives the table on the top the metatable that refuses unknown names. */
static void refusemissing(lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, missingglobal);
  setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
}

/* Makes the table on the top read-only, and every table within it. */
static void protect(lua_State *L) {
  if (lua_getmetatable(L, -1)) {
    lua_enablereadonlytable(L, -1, 1);
    lua_pop(L, 1);
  }
  if (hvalue(L->top - 1)->readonly)
    return;
  lua_enablereadonlytable(L, -1, 1);
  luaL_checkstack(L, 4, NULL);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    if (lua_istable(L, -1))
      protect(L);
    lua_pop(L, 1);
  }
}

static const luaL_Reg redisfunctions[] = {
  {"call", redis_call}, {"pcall", redis_pcall}, {"log", redis_log},
  {"setresp", redis_setresp}, {"error_reply", redis_error_reply},
  {"status_reply", redis_status_reply}, {"set_repl", redis_set_repl},
  {"sha1hex", redis_sha1hex}, {"acl_check_cmd", redis_acl_check_cmd}, {NULL, NULL},
};

/* What only EVAL's scripts have. */
static const luaL_Reg evalfunctions[] = {
  {"replicate_commands", redis_replicate_commands}, {"breakpoint", redis_breakpoint},
  {"debug", redis_debug}, {NULL, NULL},
};

static const luaL_Reg libraryfunctions[] = {
  {"register_function", redis_register_function}, {"log", redis_log}, {NULL, NULL},
};

static void setfunctions(lua_State *L, const luaL_Reg *l) {
  for (; l->name != NULL; l++) {
    lua_pushcfunction(L, l->func);
    setfield(L, -2, l->name);
  }
}

static void setnumber(lua_State *L, const char *name, int n) {
  lua_pushinteger(L, n);
  setfield(L, -2, name);
}

static void setconstants(lua_State *L, const char *version, int versionlength, int versionnumber) {
  setnumber(L, "LOG_DEBUG", 0);
  setnumber(L, "LOG_VERBOSE", 1);
  setnumber(L, "LOG_NOTICE", 2);
  setnumber(L, "LOG_WARNING", 3);
  setnumber(L, "REDIS_VERSION_NUM", versionnumber);
  lua_pushlstring(L, version, (size_t)versionlength);
  setfield(L, -2, "REDIS_VERSION");
}

static int os_clock(lua_State *L);
static void openruns(lua_State *L);

static const char *const unwanted[] = {"getfenv", "setfenv", NULL};

/*
** Makes the Lua state. `kind` 0: EVAL's, 1: FUNCTION's. Called once, first.
** Inside lua_cpcall: memory may end here too.
*/
static struct { int kind, versionnumber, versionlength; const char *version; } setup;

static int open(lua_State *L) {
  static const lua_CFunction libraries[] = {
    luaopen_base, luaopen_table, luaopen_string, luaopen_math, open_cjson, open_struct,
    open_cmsgpack, open_bit,
  };
  size_t i;
  for (i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
    lua_pushcfunction(L, libraries[i]);
    lua_call(L, 0, 0);
  }
  for (i = 0; unwanted[i] != NULL; i++) {
    lua_pushnil(L);
    lua_setglobal(L, unwanted[i]);
  }
  lua_newtable(L);
  setconstants(L, setup.version, setup.versionlength, setup.versionnumber);
  setfunctions(L, redisfunctions);
  setnumber(L, "REPL_NONE", 0);
  setnumber(L, "REPL_AOF", 1);
  setnumber(L, "REPL_SLAVE", 2);
  setnumber(L, "REPL_REPLICA", 2);
  setnumber(L, "REPL_ALL", 3);
  if (setup.kind == 0)
    setfunctions(L, evalfunctions);
  lua_pushvalue(L, -1);
  lua_setglobal(L, "redis");
  lua_setglobal(L, "server");
  lua_pushcfunction(L, textpcall);
  lua_setglobal(L, "pcall");
  lua_newtable(L);
  lua_pushcfunction(L, os_clock);
  setfield(L, -2, "clock");
  lua_setglobal(L, "os");
  if (setup.kind == 0) {
    lua_pushcfunction(L, errorhandler);
    lua_setglobal(L, "__redis__err__handler");
  }
  else {
    /* what a library sees while it is loaded */
    lua_newtable(L);
    lua_newtable(L);
    setconstants(L, setup.version, setup.versionlength, setup.versionnumber);
    setfunctions(L, libraryfunctions);
    refusemissing(L);
    lua_pushvalue(L, -1);
    setfield(L, -3, "server");
    setfield(L, -2, "redis");
    refusemissing(L);
    protect(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "respite.loading");
  }
  lua_pushvalue(L, LUA_GLOBALSINDEX);
  refusemissing(L);
  protect(L);
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_enablereadonlytable(L, -1, 1);
  openruns(L);
  return 0;
}
