/*
** The ground under Lua: suspension, memory, numbers, random numbers.
** Nothing here knows Redis.
*/
#include <float.h>
#include <limits.h>
#include <stdint.h>

__attribute__((import_module("env"), import_name("check")))
int host_check(void);

volatile int respite_state = RESPITE_NORMAL;
int respite_budget = RESPITE_INTERVAL;
size_t respite_memory_max = RESPITE_STRING_MAX;
static int killed = 0;

void (*volatile respite_execute)(lua_State *L, int nexeccalls) = luaV_execute;

/* A killed script gets no further: each instruction after the kill asks, and is refused. */
static const char *killmessage = NULL;

__attribute__((noinline)) void respite_check(lua_State *L) {
  if (!killed && host_check()) {
    /* while the stack unwinds the answer is 0: this is never reached then */
    killed = 1;
  }
  if (respite_state != RESPITE_NORMAL)
    return;
  if (killed) {
    respite_budget = 0;
    lua_newtable(L);
    lua_pushliteral(L, "err");
    lua_pushstring(L, killmessage);
    lua_rawset(L, -3);
    lua_error(L);
  }
  respite_budget = RESPITE_INTERVAL;
}

/* --- frames of luaV_execute ------------------------------------------------ */

/* LUAI_MAXCCALLS bounds how many there can be; errors in handlers get an eighth more. */
#define FRAMES_MAX 256

static struct respite_Frame frames[FRAMES_MAX];
static int framecount = 0;

void respite_pushframe(ptrdiff_t ci, int nexeccalls, const unsigned *pc, int atcheck) {
  struct respite_Frame *f;
  if (framecount == FRAMES_MAX)
    __builtin_trap();
  f = &frames[framecount++];
  f->ci = ci;
  f->nexeccalls = nexeccalls;
  f->pc = pc;
  f->atcheck = atcheck;
}

struct respite_Frame *respite_popframe(void) {
  if (framecount == 0)
    __builtin_trap();
  return &frames[--framecount];
}

/* --- memory ---------------------------------------------------------------- */

void *respite_realloc(void *block, size_t size) {
  if (size == 0) {
    free(block);
    return NULL;
  }
  return realloc(block, size);
}

int respite_nomemory(lua_State *L) {
  luaD_throw(L, LUA_ERRMEM);
  return 0;
}

/* A growing buffer outside Lua's heap. Kept between uses while it is small. */
typedef struct Buffer {
  char *data;
  size_t used;
  size_t size;
} Buffer;

#define BUFFER_KEPT (256 * 1024)

static __attribute__((noinline)) void buffer_grow(lua_State *L, Buffer *b, size_t more) {
  size_t size = b->size ? b->size : 1024;
  char *data;
  if (more > (size_t)RESPITE_STRING_MAX || b->used + more > 2u * RESPITE_STRING_MAX)
    respite_nomemory(L);
  while (size < b->used + more)
    size *= 2;
  data = (char *)realloc(b->data, size);
  if (data == NULL)
    respite_nomemory(L);
  respite_budget -= (int)(more >> 6);
  b->data = data;
  b->size = size;
}

static inline char *buffer_room(lua_State *L, Buffer *b, size_t more) {
  if (l_unlikely(b->size - b->used < more))
    buffer_grow(L, b, more);
  return b->data + b->used;
}

static inline void buffer_char(lua_State *L, Buffer *b, char c) {
  *buffer_room(L, b, 1) = c;
  b->used++;
}

static inline void buffer_add(lua_State *L, Buffer *b, const char *s, size_t n) {
  memcpy(buffer_room(L, b, n), s, n);
  b->used += n;
}

static void buffer_reset(Buffer *b) {
  b->used = 0;
  if (b->size > BUFFER_KEPT) {
    free(b->data);
    b->data = NULL;
    b->size = 0;
  }
}

/* --- numbers --------------------------------------------------------------- */

/* The digits of a whole number, no NUL; returns how many bytes. */
static int whole2str(char *to, int64_t n) {
  char digits[24];
  uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
  int count = 0, length = 0;
  do {
    digits[count++] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (n < 0)
    to[length++] = '-';
  while (count > 0)
    to[length++] = digits[--count];
  return length;
}

/* Is n whole and so small that `%.*g` of `digits` digits prints all of it? */
static int printswhole(double n, double below) {
  return n > -below && n < below && n == (double)(int64_t)n && !(n == 0 && 1 / n < 0);
}

int respite_number2str(char *to, double n) {
  int length;
  if (!printswhole(n, 1e14))
    return sprintf(to, "%.14g", n);
  length = whole2str(to, (int64_t)n);
  to[length] = '\0';
  return length;
}

/* `%.17g`, as numbers become arguments of commands. */
static int number2arg(char *to, double n) {
  if (!printswhole(n, 1e17))
    return sprintf(to, "%.17g", n);
  return whole2str(to, (int64_t)n);
}

/* (long long)n as x86-64 has it: what does not fit is the smallest. */
static int64_t number2int64(double n) {
  return n >= -9223372036854775808.0 && n < 9223372036854775808.0 ? (int64_t)n : INT64_MIN;
}

/* (unsigned long)n as x86-64 has it, for n that is not negative. */
static uint64_t number2uint64(double n) {
  if (n < 9223372036854775808.0)
    return (uint64_t)number2int64(n);
  if (n != n)
    return (uint64_t)INT64_MIN;
  return n < 18446744073709551616.0 ? (uint64_t)n : 0;
}

unsigned long long respite_number2uint(double n) {
  return n < 0 ? (unsigned long long)number2int64(n) : number2uint64(n);
}

double respite_str2number(const char *s, char **end) {
  const char *p = s;
  int negative = 0, digits = 0;
  int64_t n = 0;
  if (*p == '-') {
    negative = 1;
    p++;
  }
  while (*p >= '0' && *p <= '9' && digits < 15) {
    n = n * 10 + (*p++ - '0');
    digits++;
  }
  if (digits == 0 || (*p != '\0' && *p != ' ') || (negative && n == 0))
    return strtod(s, end);
  *end = (char *)p;
  return (double)(negative ? -n : n);
}

/* --- random numbers -------------------------------------------------------- */

static uint64_t randomstate = 0x1234abcd330eULL;

int respite_lrand48(void) {
  randomstate = (randomstate * 0x5deece66dULL + 0xb) & 0xffffffffffffULL;
  return (int)(randomstate >> 17);
}

void respite_srand48(int seed) {
  randomstate = ((uint64_t)(uint32_t)seed << 16) | 0x330e;
}

/* --- string.dump ----------------------------------------------------------- */

/* The header of bytecode, as of a 64-bit machine. Nothing reads it: loading is refused. */
void luaU_header(char *h) {
  memcpy(h, LUA_SIGNATURE "\x51\0\1\4\x8\4\x8\0", LUAC_HEADERSIZE);
}

/* --- tables ---------------------------------------------------------------- */

/* lua_setfield without metamethods: what calls it need not be able to suspend. */
static void setfield(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  lua_insert(L, -2);
  lua_rawset(L, index - 1);
}
