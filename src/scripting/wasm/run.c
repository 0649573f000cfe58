/*
** How the host runs scripts: the exports, and the way of a Lua value to RESP.
**
** A request of the host lies in the buffer `request` as 32-bit words:
**   0 reference of the function   1 keys   2 arguments   3 RESP version of the client
**   4 on: the length of each key, then of each argument
** and the texts, one after the other.
*/
#define REQUEST_WORDS 4

/* Puts the name of what runs into `reply`, for an error that tells it. Returns its length. */
IMPORT("name") int host_name(void);

/* --- results --------------------------------------------------------------- */

/* One level of a nested result; its table is on Lua's stack. */
typedef struct Level {
  enum { LEVEL_ARRAY, LEVEL_MAP, LEVEL_SET } kind;
  int next; /* LEVEL_ARRAY: the index to send; else: 1 when a value waits after its key */
  int left; /* what is still to be sent */
} Level;

/* One slot of the stack each, of which there are LUAI_MAXCSTACK. */
#define LEVELS_MAX LUAI_MAXCSTACK

static Level *levels = NULL;

/* Whether the error just sent was counted when a command made it. */
static int erroriscounted = 0;

/* An error inside of a result, which the host counts: its line, and whether a command made it. */
__attribute__((import_module("env"), import_name("errored")))
extern void host_errored(const char *line, size_t length, int iscounted);

static void result_head(lua_State *L, char type, int64_t n) {
  char *to = buffer_room(L, &result, 32);
  int l;
  to[0] = type;
  l = 1 + whole2str(to + 1, n);
  to[l] = '\r';
  to[l + 1] = '\n';
  result.used += (size_t)l + 2;
}

static void result_bulk(lua_State *L, const char *s, size_t l) {
  result_head(L, '$', (int64_t)l);
  buffer_add(L, &result, s, l);
  buffer_add(L, &result, "\r\n", 2);
}

static void result_line(lua_State *L, char type, const char *s) {
  buffer_char(L, &result, type);
  buffer_line(L, &result, s);
  buffer_add(L, &result, "\r\n", 2);
}

/* As result_line, without the line ends at the text's end. */
static void result_errorline(lua_State *L, const char *s) {
  size_t l = strlen(s);
  buffer_char(L, &result, '-');
  buffer_line(L, &result, s);
  for (; l > 0 && islineend(s[l - 1]); l--) result.used--;
  buffer_add(L, &result, "\r\n", 2);
}

static void result_null(lua_State *L, int resp) {
  if (resp == 3)
    buffer_add(L, &result, "_\r\n", 3);
  else
    buffer_add(L, &result, "$-1\r\n", 5);
}

static void result_double(lua_State *L, double n, int resp) {
  char text[40];
  int l;
  if (n - n != 0 && n == n)
    l = sprintf(text, n > 0 ? "inf" : "-inf");
  else
    l = number2arg(text, n);
  if (resp == 3) {
    buffer_char(L, &result, ',');
    buffer_add(L, &result, text, (size_t)l);
    buffer_add(L, &result, "\r\n", 2);
  }
  else
    result_bulk(L, text, (size_t)l);
}

/* Pushes the field of the table on the top and leaves it there if it is of the type. */
static int hasfield(lua_State *L, const char *name, int type) {
  lua_pushstring(L, name);
  lua_rawget(L, -2);
  if (lua_type(L, -1) == type)
    return 1;
  lua_pop(L, 1);
  return 0;
}

static int countpairs(lua_State *L) {
  int n = 0;
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pop(L, 1);
    n++;
  }
  return n;
}

/*
** The table on the top: sends it and pops it (0), or sends its head and has its
** content sent as `level` says (1). The table stays on the stack then.
*/
static int result_table(lua_State *L, int resp, Level *level) {
  if (hasfield(L, "err", LUA_TSTRING)) {
    size_t from = result.used;
    result_errorline(L, lua_tostring(L, -1));
    lua_pop(L, 1);
    erroriscounted = hasfield(L, "ignore_error_stats_update", LUA_TBOOLEAN);
    lua_pop(L, 1 + erroriscounted);
    if (from > 0)
      host_errored(result.data + from, result.used - from, erroriscounted);
    return 0;
  }
  if (hasfield(L, "ok", LUA_TSTRING)) {
    result_line(L, '+', lua_tostring(L, -1));
    lua_pop(L, 2);
    return 0;
  }
  if (hasfield(L, "double", LUA_TNUMBER)) {
    result_double(L, lua_tonumber(L, -1), resp);
    lua_pop(L, 2);
    return 0;
  }
  if (hasfield(L, "map", LUA_TTABLE)) {
    lua_replace(L, -2);
    level->kind = LEVEL_MAP;
    level->left = countpairs(L);
    level->next = 0;
    result_head(L, resp == 3 ? '%' : '*', (int64_t)level->left * (resp == 3 ? 1 : 2));
    lua_pushnil(L);
    return 1;
  }
  if (hasfield(L, "set", LUA_TTABLE)) {
    lua_replace(L, -2);
    level->kind = LEVEL_SET;
    level->left = countpairs(L);
    level->next = 0;
    result_head(L, resp == 3 ? '~' : '*', level->left);
    lua_pushnil(L);
    return 1;
  }
  if (hasfield(L, "big_number", LUA_TSTRING)) {
    if (resp == 3)
      result_line(L, '(', lua_tostring(L, -1));
    else {
      size_t l = strlen(lua_tostring(L, -1));
      result_head(L, '$', (int64_t)l);
      buffer_line(L, &result, lua_tostring(L, -1));
      buffer_add(L, &result, "\r\n", 2);
    }
    lua_pop(L, 2);
    return 0;
  }
  if (hasfield(L, "verbatim_string", LUA_TTABLE)) {
    if (hasfield(L, "format", LUA_TSTRING)) {
      const char *format = lua_tostring(L, -1);
      lua_pop(L, 1); /* the table still holds it */
      if (hasfield(L, "string", LUA_TSTRING)) {
        size_t l;
        const char *s = lua_tolstring(L, -1, &l);
        if (resp == 3) {
          char name[4] = "txt:";
          size_t i;
          for (i = 0; i < 3; i++)
            name[i] = format[i] != '\0' ? format[i] : ' ';
          result_head(L, '=', (int64_t)l + 4);
          buffer_add(L, &result, name, 4);
          buffer_add(L, &result, s, l);
          buffer_add(L, &result, "\r\n", 2);
        }
        else
          result_bulk(L, s, l);
        lua_pop(L, 3);
        return 0;
      }
    }
    lua_pop(L, 1);
  }
  level->kind = LEVEL_ARRAY;
  level->next = 1;
  for (level->left = 0;; level->left++) {
    lua_rawgeti(L, -1, level->left + 1);
    if (lua_isnil(L, -1))
      break;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  result_head(L, '*', level->left);
  return 1;
}

/* Sends and pops the value on the top; 1 when it is a table whose content comes next. */
static int result_value(lua_State *L, int resp, Level *level) {
  if (!lua_checkstack(L, 4)) {
    size_t from = result.used;
    buffer_add(L, &result, "-ERR reached lua stack limit\r\n", 30);
    if (from > 0)
      host_errored(result.data + from, result.used - from, 0);
    lua_pop(L, 1);
    return 0;
  }
  switch (lua_type(L, -1)) {
    case LUA_TSTRING: {
      size_t l;
      const char *s = lua_tolstring(L, -1, &l);
      result_bulk(L, s, l);
      break;
    }
    case LUA_TBOOLEAN:
      if (scriptresp == 3) {
        if (resp == 3)
          buffer_add(L, &result, lua_toboolean(L, -1) ? "#t\r\n" : "#f\r\n", 4);
        else
          buffer_add(L, &result, lua_toboolean(L, -1) ? ":1\r\n" : ":0\r\n", 4);
      }
      else if (lua_toboolean(L, -1))
        buffer_add(L, &result, ":1\r\n", 4);
      else
        result_null(L, resp);
      break;
    case LUA_TNUMBER: result_head(L, ':', number2int64(lua_tonumber(L, -1))); break;
    case LUA_TTABLE: return result_table(L, resp, level);
    default: result_null(L, resp);
  }
  lua_pop(L, 1);
  return 0;
}

/*
** Pushes what comes next at this level; 0 when nothing does. A map's iteration
** keeps its key on the stack, under it its table.
*/
static int result_next(lua_State *L, Level *level) {
  if (level->kind == LEVEL_ARRAY) {
    if (level->left-- == 0)
      return 0;
    lua_rawgeti(L, -1, level->next++);
    return 1;
  }
  if (level->next) { /* the value, which waits over its key */
    level->next = 0;
    return 1;
  }
  if (!lua_next(L, -2)) {
    return 0;
  }
  if (level->kind == LEVEL_SET) {
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
  }
  else {
    /* key, value -> key, value, key: the key is sent first */
    lua_pushvalue(L, -2);
    level->next = 1;
  }
  return 1;
}

/* Sends the value on the top, not deeper on the C stack than for a flat one. */
static void result_send(lua_State *L, int resp) {
  int depth = 0;
  if (levels == NULL) {
    levels = (Level *)malloc(sizeof(Level) * LEVELS_MAX);
    if (levels == NULL)
      respite_nomemory(L);
  }
  if (!result_value(L, resp, &levels[0]))
    return;
  depth = 1;
  while (depth > 0) {
    if (!result_next(L, &levels[depth - 1])) {
      lua_pop(L, 1); /* its table */
      depth--;
    }
    else if (result_value(L, resp, &levels[depth]))
      depth++;
  }
}

/* --- runs ------------------------------------------------------------------ */

/* How a run ended. */
#define ENDED_WELL 0
#define ENDED_IN_ERROR 1
#define ENDED_IN_COUNTED_ERROR 2

/* Appends the text of the error on the top, and where in the script it was; how the run ended. */
static int result_error(lua_State *L) {
  int ended = ENDED_IN_ERROR;
  buffer_char(L, &result, '-');
  if (!lua_istable(L, -1)) {
    const char *text = lua_tostring(L, -1);
    buffer_add(L, &result, "ERR ", 4);
    buffer_line(L, &result, text == NULL ? "unknown error" : text);
  }
  else {
    const char *text, *source;
    int64_t line = 0;
    lua_pushliteral(L, "ignore_error_stats_update");
    lua_rawget(L, -2);
    if (lua_isboolean(L, -1) && lua_toboolean(L, -1))
      ended = ENDED_IN_COUNTED_ERROR;
    lua_pop(L, 1);
    lua_pushliteral(L, "err");
    lua_rawget(L, -2);
    text = lua_tostring(L, -1);
    buffer_line(L, &result, text == NULL ? "ERR unknown error" : text);
    lua_pushliteral(L, "source");
    lua_rawget(L, -3);
    source = lua_tostring(L, -1);
    lua_pushliteral(L, "line");
    lua_rawget(L, -4);
    line = number2int64(lua_tonumber(L, -1));
    if (source != NULL && lua_isnumber(L, -1) && !loadinglibrary) {
      size_t namelength = (size_t)host_name();
      buffer_add(L, &result, " script: ", 9);
      buffer_add(L, &result, reply.data, namelength);
      buffer_add(L, &result, ", on ", 5);
      buffer_line(L, &result, source);
      buffer_char(L, &result, ':');
      result.used += (size_t)whole2str(buffer_room(L, &result, 24), line);
      buffer_char(L, &result, '.');
    }
    lua_pop(L, 3);
  }
  buffer_add(L, &result, "\r\n", 2);
  return ended;
}

/* Fills the table on the top with texts, from index 1 on. */
static void filltexts(lua_State *L, int n, const unsigned *lengths, const char **text) {
  int i;
  for (i = 0; i < n; i++) {
    lua_pushlstring(L, *text, lengths[i]);
    lua_rawseti(L, -2, i + 1);
    *text += lengths[i];
  }
}

/* The names of the two globals with a script's arguments; kept from the collector. */
static TString *keysname, *argvname;

/*
** Sets a global to a table of `n` texts, whatever protects globals from scripts. The table of the
** run before is filled anew if it has room for as many, and its script has left it as it was.
*/
static void setargument(lua_State *L, TString *name, int n, const unsigned *lengths,
                        const char **text) {
  Table *globals = hvalue(gt(L));
  TValue *value = luaH_setstr(L, globals, name);
  const Table *t = ttistable(value) ? hvalue(value) : NULL;
  if (t != NULL && t->sizearray == n && t->node == dummynode && t->metatable == NULL &&
      !t->readonly) {
    setobj2s(L, L->top, value);
    api_incr_top(L);
  }
  else {
    lua_createtable(L, n, 0);
    setobj2t(L, luaH_setstr(L, globals, name), L->top - 1);
    luaC_barriert(L, globals, L->top - 1);
  }
  filltexts(L, n, lengths, text);
  lua_pop(L, 1);
}

/* Pushes the function and what it is called with; returns how many arguments. */
static int prepare(lua_State *L) {
  const unsigned *words = (const unsigned *)request.data;
  const int keys = (int)words[1], arguments = (int)words[2];
  const unsigned *lengths = words + REQUEST_WORDS;
  const char *text = (const char *)(lengths + keys + arguments);
  lua_rawgeti(L, LUA_REGISTRYINDEX, (int)words[0]);
  if (setup.kind == 0) {
    setargument(L, keysname, keys, lengths, &text);
    setargument(L, argvname, arguments, lengths + keys, &text);
    return 0;
  }
  lua_createtable(L, keys, 0);
  filltexts(L, keys, lengths, &text);
  lua_createtable(L, arguments, 0);
  filltexts(L, arguments, lengths + keys, &text);
  return 2;
}

/* A text of ours where the heap has no room to make one. */
static void result_literal(const char *text) {
  size_t l = strlen(text);
  result.used = 0;
  if (result.size >= l) {
    memcpy(result.data, text, l);
    result.used = l;
  }
}

static int runs = 0;
/* The handler of errors, made once. */
static int handlerref;

static void finish(lua_State *L) {
  lua_settop(L, 0);
  scriptresp = 2;
  killed = 0;
  respite_budget = RESPITE_INTERVAL;
  if (++runs % 50 == 0)
    lua_gc(L, LUA_GCSTEP, 50);
}

/*
** What errors of a run go to: the host calls `run`, catches what is thrown out of it, and calls
** `runFailed`. A protected call (lua_pcall) would cross to the host and back once more.
*/
static struct lua_longjmp thrown;

static void leaverun(lua_State *L) {
  L->errorJmp = NULL;
  L->errfunc = 0;
  finish(L);
  buffer_reset(&request);
}

/* Runs the request. While `respite_state` is not normal afterwards it has been suspended. */
EXPORT("run") int respite_run(void) {
  lua_State *L = state;
  int nargs;
  thrown.status = 0;
  L->errorJmp = &thrown;
  result.used = 0;
  buffer_room(L, &result, 256);
  lua_settop(L, 0);
  lua_rawgeti(L, LUA_REGISTRYINDEX, handlerref);
  nargs = prepare(L);
  L->errfunc = savestack(L, L->base);
  lua_call(L, nargs, 1);
  if (respite_state == RESPITE_UNWINDING)
    return 0;
  /* the handler is not for what fails in sending */
  L->errfunc = 0;
  result_send(L, (int)((const unsigned *)request.data)[3]);
  leaverun(L);
  if (result.data[0] != '-')
    return ENDED_WELL;
  return erroriscounted ? ENDED_IN_COUNTED_ERROR : ENDED_IN_ERROR;
}

/* An error has ended the run: puts the state in order, as lua_pcall does. How the run ended. */
EXPORT("runFailed") int respite_runfailed(void) {
  lua_State *L = state;
  const int status = thrown.status;
  const StkId bottom = L->stack + 1;
  int ended = ENDED_IN_ERROR;
  L->errorJmp = NULL;
  luaF_close(L, bottom);
  luaD_seterrorobj(L, status, bottom);
  L->nCcalls = 0;
  L->ci = L->base_ci;
  L->base = L->ci->base;
  L->savedpc = L->ci->savedpc;
  L->allowhook = 1;
  restore_stack_limit(L);
  result.used = 0;
  if (status == LUA_ERRMEM)
    result_literal("-ERR not enough memory\r\n");
  else
    ended = result_error(L);
  leaverun(L);
  if (status == LUA_ERRMEM)
    lua_gc(L, LUA_GCCOLLECT, 0);
  return ended;
}

/* --- loading --------------------------------------------------------------- */

/* Compiles the text in `request`; returns a reference, or 0 with the error in `result`. */
EXPORT("compile") int respite_compile(int length) {
  lua_State *L = state;
  int status;
  result.used = 0;
  lua_settop(L, 0);
  status = luaL_loadbuffer(L, request.data, (size_t)length,
                           setup.kind == 0 ? "@user_script" : "@user_function");
  buffer_reset(&request);
  if (status != 0) {
    buffer_line(L, &result, lua_tostring(L, -1));
    lua_settop(L, 0);
    return 0;
  }
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

EXPORT("release") void respite_release(int ref) {
  luaL_unref(state, LUA_REGISTRYINDEX, ref);
}

/*
** Runs the chunk of a library, which registers its functions. 0, or 1 with the
** error in `result`. The library's globals are those of loading first, then
** the real ones.
*/
EXPORT("loadLibrary") int respite_loadlibrary(int ref) {
  lua_State *L = state;
  int status, failed = 0;
  result.used = 0;
  lua_settop(L, 0);
  lua_pushcfunction(L, errorhandler);
  lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
  lua_newtable(L); /* its globals */
  lua_newtable(L); /* their metatable */
  lua_getfield(L, LUA_REGISTRYINDEX, "respite.loading");
  setfield(L, -2, "__index");
  lua_pushvalue(L, -1);
  lua_setmetatable(L, -3);
  lua_insert(L, 2);
  lua_enablereadonlytable(L, -1, 1);
  lua_setfenv(L, -2);
  loadinglibrary = 1;
  status = lua_pcall(L, 0, 0, 1);
  lua_pushvalue(L, LUA_GLOBALSINDEX);
  lua_setfield(L, 2, "__index");
  lua_enablereadonlytable(L, 2, 1);
  if (status != 0) {
    failed = 1;
    result_error(L);
  }
  loadinglibrary = 0;
  finish(L);
  respite_release(ref);
  return failed;
}

/* --- the rest of the exports ----------------------------------------------- */

IMPORT("clock") double host_clock(void);

static int os_clock(lua_State *L) {
  lua_pushnumber(L, host_clock());
  return 1;
}

/* The room for a request, for a reply, of `size` bytes; 0 when there is none. */
static char *room(Buffer *b, size_t size) {
  if (size > b->size) {
    char *data;
    size_t rounded = b->size ? b->size : 1024;
    if (size > 2u * RESPITE_STRING_MAX)
      return NULL;
    while (rounded < size)
      rounded *= 2;
    data = (char *)realloc(b->data, rounded);
    if (data == NULL)
      return NULL;
    b->data = data;
    b->size = rounded;
  }
  return b->data;
}

/* Where the host looks for room and results itself: address, bytes used, bytes of room. */
EXPORT("requestBuffer") Buffer *respite_requestbuffer(void) { return &request; }
EXPORT("replyBuffer") Buffer *respite_replybuffer(void) { return &reply; }
EXPORT("resultBuffer") Buffer *respite_resultbuffer(void) { return &result; }

EXPORT("requestRoom") char *respite_requestroom(size_t size) { return room(&request, size); }
EXPORT("replyRoom") char *respite_replyroom(size_t size) { return room(&reply, size); }

EXPORT("resultDone") void respite_resultdone(void) { buffer_reset(&result); }
EXPORT("stateAddress") volatile int *respite_stateaddress(void) { return &respite_state; }
EXPORT("luaState") lua_State *respite_luastate(void) { return state; }

/* Bytes of Lua's heap, and of what lies beside it. */
EXPORT("heapBytes") double respite_memory(void) {
  return (double)G(state)->totalbytes;
}

EXPORT("setMemoryMax") void respite_setmemorymax(double bytes) {
  respite_memory_max = (size_t)bytes;
}

EXPORT("collect") void respite_collect(void) { lua_gc(state, LUA_GCCOLLECT, 0); }

/* The text a killed script ends with. */
EXPORT("setKillMessage") void respite_setkillmessage(int length) {
  char *text = (char *)malloc((size_t)length + 1);
  memcpy(text, request.data, (size_t)length);
  text[length] = '\0';
  free((void *)killmessage);
  killmessage = text;
}

EXPORT("allocate") void *respite_allocate(size_t size) { return malloc(size); }

static void *nothing(void *ud, void *block, size_t osize, size_t nsize) {
  (void)ud;
  (void)osize;
  return respite_realloc(block, nsize);
}

/* What runs need; inside `open`, for memory may end here too. */
static void openruns(lua_State *L) {
  keysname = luaS_newliteral(L, "KEYS");
  luaS_fix(keysname);
  argvname = luaS_newliteral(L, "ARGV");
  luaS_fix(argvname);
  lua_pushcfunction(L, errorhandler);
  handlerref = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Makes the state; the version's text is in `request`. 0 when it went well. */
EXPORT("start") int respite_start(int kind, int versionlength, int versionnumber) {
  setup.kind = kind;
  setup.version = request.data;
  setup.versionlength = versionlength;
  setup.versionnumber = versionnumber;
  state = lua_newstate(nothing, NULL);
  if (state == NULL)
    return 1;
  lua_pushcfunction(state, open);
  if (lua_pcall(state, 0, 0, 0) != 0)
    return 1;
  lua_settop(state, 0);
  return 0;
}

/* The host's stack has ended below a protected call or a run: an error like any other. */
EXPORT("stackOverflow") void respite_stackoverflow(lua_State *L) {
  L->errorJmp->status = LUA_ERRRUN;
  setsvalue2s(L, L->top, luaS_newliteral(L, "stack overflow"));
  incr_top(L);
}
