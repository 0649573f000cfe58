/* libhiredis against the server at argv[1]: prints "ok" when all of it works. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(const char *what, int value) {
  if (value) return;
  printf("failed: %s\n", what);
  exit(1);
}

int main(int argc, char **argv) {
  struct timeval limit = {5, 0};
  redisContext *c = redisConnectWithTimeout("127.0.0.1", atoi(argv[argc - 1]), limit);
  check("connect", c != NULL && c->err == 0);
  redisReply *r = redisCommand(c, "SET %s %b", "c:k", "a\0b", (size_t)3);
  check("set", r->type == REDIS_REPLY_STATUS && strcmp(r->str, "OK") == 0);
  freeReplyObject(r);
  r = redisCommand(c, "GET c:k");
  check("get", r->type == REDIS_REPLY_STRING && r->len == 3 && memcmp(r->str, "a\0b", 3) == 0);
  freeReplyObject(r);
  for (int i = 0; i < 10000; i++) check("append", redisAppendCommand(c, "INCR c:n") == REDIS_OK);
  for (int i = 1; i <= 10000; i++) {
    check("reply", redisGetReply(c, (void **)&r) == REDIS_OK && r->integer == i);
    freeReplyObject(r);
  }
  r = redisCommand(c, "EVAL %s 0", "return {1,{2,{'x'}},redis.error_reply('ERR e')}");
  check("nested", r->type == REDIS_REPLY_ARRAY && r->elements == 3 &&
                      r->element[1]->element[1]->element[0]->str[0] == 'x' &&
                      r->element[2]->type == REDIS_REPLY_ERROR);
  freeReplyObject(r);
  r = redisCommand(c, "GET c:none");
  check("nil", r->type == REDIS_REPLY_NIL);
  freeReplyObject(r);
  redisFree(c);
  puts("ok");
  return 0;
}
