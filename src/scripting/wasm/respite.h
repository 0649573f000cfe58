/*
** What Lua's core and our libraries share: the budget that bounds how long
** the host waits, the protocol of suspension, memory and number formats.
** Included by luaconf.h, so by every file of Lua.
*/
#ifndef respite_h
#define respite_h

#include <stddef.h>

struct lua_State;

/* A string of Lua: as long as one of Redis may be. */
#define RESPITE_STRING_MAX (512 * 1024 * 1024)

/* Nested calls of the pattern matcher; each needs about 200 bytes of two stacks. */
#define RESPITE_MATCH_DEPTH 1500

/* Instructions (or work of that order) between two questions to the host. */
#define RESPITE_INTERVAL 100000

/* The state of suspension; the host writes it together with asyncify's own. */
#define RESPITE_NORMAL 0
#define RESPITE_UNWINDING 1
#define RESPITE_REWINDING 2
extern volatile int respite_state;

/* What is left until the host is asked; below zero: ask now. */
extern int respite_budget;

/* Bytes Lua's heap may have; an allocation above fails with "not enough memory". */
extern size_t respite_memory_max;

/* Asks the host whether to go on: returns, suspends the whole stack, or throws. */
void respite_check(struct lua_State *L);

#define respite_charge(L, n) \
  ((respite_budget -= (n)) < 0 ? respite_check(L) : (void)0)

#define l_unlikely(x) __builtin_expect(!!(x), 0)

/* The host's try and catch: one import each, so that no setjmp is needed. */
__attribute__((import_module("env"), import_name("protect")))
void respite_protect(void *function, void *L, void *argument);
__attribute__((import_module("env"), import_name("throw"), noreturn))
void respite_throw(void);

/* luaV_execute, by a pointer: asyncify must take each call of it for one that may suspend. */
extern void (*volatile respite_execute)(struct lua_State *L, int nexeccalls);

/*
** Frames of luaV_execute while the stack is unwound. No pointer to a local of
** luaV_execute crosses here: with a frame on the C stack of its own it could
** not be left and entered again (its prologue runs, that of others does not).
*/
struct respite_Frame {
  ptrdiff_t ci;
  int nexeccalls;
  const unsigned *pc;
  int atcheck;
};
void respite_pushframe(ptrdiff_t ci, int nexeccalls, const unsigned *pc, int atcheck);
struct respite_Frame *respite_popframe(void);

void *respite_realloc(void *block, size_t size);
int respite_nomemory(struct lua_State *L);

/* "%.14g" and strtod, with a fast way for whole numbers. Neither keeps state. */
int respite_number2str(char *to, double n);
double respite_str2number(const char *s, char **end);
/* To an unsigned integer as x86-64 converts; negative numbers wrap. */
unsigned long long respite_number2uint(double n);

/* The drand48 generator, so that the same script gives the same numbers everywhere. */
int respite_lrand48(void);
void respite_srand48(int seed);

#endif
