/*
** The cjson library: JSON text to and from Lua values, with the settings and
** the error texts scripts know. Settings live in a userdata that the functions
** of one module table share.
*/

typedef struct JsonSettings {
  int sparse_convert;
  int sparse_ratio;
  int sparse_safe;
  int encode_depth;
  int encode_invalid; /* 0 refuse, 1 as text, 2 null */
  int encode_precision;
  int keep_buffer;
  int decode_invalid;
  int decode_depth;
} JsonSettings;

static Buffer jsontext;

static JsonSettings *json_settings(lua_State *L) {
  return (JsonSettings *)lua_touserdata(L, lua_upvalueindex(1));
}

/* --- settings -------------------------------------------------------------- */

static JsonSettings *json_settingargs(lua_State *L, int args) {
  luaL_argcheck(L, lua_gettop(L) <= args, args + 1, "found too many arguments");
  lua_settop(L, args);
  return json_settings(L);
}

static int json_number(lua_State *L, int arg, int *setting, int min, int max) {
  if (!lua_isnil(L, arg)) {
    char message[64];
    int value = (int)luaL_checkinteger(L, arg);
    snprintf(message, sizeof(message), "expected integer between %d and %d", min, max);
    luaL_argcheck(L, min <= value && value <= max, 1, message);
    *setting = value;
  }
  lua_pushinteger(L, *setting);
  return 1;
}

/* A boolean, or one of `options` by its name. `yes` is what true stands for. */
static int json_option(lua_State *L, int arg, int *setting, const char *const *options) {
  if (!lua_isnil(L, arg))
    *setting = lua_isboolean(L, arg) ? lua_toboolean(L, arg)
                                     : luaL_checkoption(L, arg, NULL, options);
  if (*setting < 2)
    lua_pushboolean(L, *setting);
  else
    lua_pushstring(L, options[*setting]);
  return 1;
}

static const char *const json_onoff[] = {"off", "on", NULL};
static const char *const json_onoffnull[] = {"off", "on", "null", NULL};

static int json_sparse_array(lua_State *L) {
  JsonSettings *s = json_settingargs(L, 3);
  json_option(L, 1, &s->sparse_convert, json_onoff);
  json_number(L, 2, &s->sparse_ratio, 0, INT_MAX);
  json_number(L, 3, &s->sparse_safe, 0, INT_MAX);
  return 3;
}

static int json_encode_max_depth(lua_State *L) {
  return json_number(L, 1, &json_settingargs(L, 1)->encode_depth, 1, INT_MAX);
}

static int json_decode_max_depth(lua_State *L) {
  return json_number(L, 1, &json_settingargs(L, 1)->decode_depth, 1, INT_MAX);
}

static int json_number_precision(lua_State *L) {
  return json_number(L, 1, &json_settingargs(L, 1)->encode_precision, 1, 14);
}

static int json_keep_buffer(lua_State *L) {
  return json_option(L, 1, &json_settingargs(L, 1)->keep_buffer, json_onoff);
}

static int json_encode_invalid(lua_State *L) {
  return json_option(L, 1, &json_settingargs(L, 1)->encode_invalid, json_onoffnull);
}

static int json_decode_invalid(lua_State *L) {
  return json_option(L, 1, &json_settingargs(L, 1)->decode_invalid, json_onoff);
}

/* --- encoding -------------------------------------------------------------- */

static void json_refuse(lua_State *L, int index, const char *reason) {
  luaL_error(L, "Cannot serialise %s: %s", lua_typename(L, lua_type(L, index)), reason);
}

static void json_addstring(lua_State *L, int index) {
  static const char hex[] = "0123456789abcdef";
  size_t l, i;
  const char *s = lua_tolstring(L, index, &l);
  char *start, *to;
  if (l > RESPITE_STRING_MAX / 6)
    respite_nomemory(L);
  start = to = buffer_room(L, &jsontext, l * 6 + 2);
  *to++ = '"';
  for (i = 0; i < l; i++) {
    unsigned char c = (unsigned char)s[i];
    char escape = 0;
    switch (c) {
      case '"': case '\\': case '/': escape = (char)c; break;
      case '\b': escape = 'b'; break;
      case '\f': escape = 'f'; break;
      case '\n': escape = 'n'; break;
      case '\r': escape = 'r'; break;
      case '\t': escape = 't'; break;
      default: break;
    }
    if (escape) {
      *to++ = '\\';
      *to++ = escape;
    }
    else if (c < 32 || c == 127) {
      memcpy(to, "\\u00", 4);
      to[4] = hex[c >> 4];
      to[5] = hex[c & 15];
      to += 6;
    }
    else
      *to++ = (char)c;
  }
  *to++ = '"';
  jsontext.used += (size_t)(to - start);
}

static void json_addnumber(lua_State *L, const JsonSettings *s, int index) {
  double n = lua_tonumber(L, index);
  char *to = buffer_room(L, &jsontext, 40);
  if (n != n || n - n != 0) {
    if (s->encode_invalid == 0)
      json_refuse(L, index, "must not be NaN or Inf");
    if (s->encode_invalid == 2)
      buffer_add(L, &jsontext, "null", 4);
    else
      buffer_add(L, &jsontext, n != n ? "nan" : n > 0 ? "inf" : "-inf", n != n || n > 0 ? 3 : 4);
  }
  else if (s->encode_precision == 14)
    jsontext.used += (size_t)respite_number2str(to, n);
  else
    jsontext.used += (size_t)sprintf(to, "%.*g", s->encode_precision, n);
}

/* How long the table is as an array; 0 or -1: it is an object. */
static int json_arraylength(lua_State *L, const JsonSettings *s) {
  int max = 0, items = 0;
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    if (lua_type(L, -2) == LUA_TNUMBER) {
      double k = lua_tonumber(L, -2);
      if (k > 0 && floor(k) == k && k <= INT_MAX) {
        if (k > max)
          max = (int)k;
        items++;
        lua_pop(L, 1);
        continue;
      }
    }
    lua_pop(L, 2);
    return -1;
  }
  if (s->sparse_ratio > 0 && max > (int64_t)items * s->sparse_ratio && max > s->sparse_safe) {
    if (!s->sparse_convert)
      json_refuse(L, -1, "excessively sparse array");
    return -1;
  }
  return max;
}

static void json_addvalue(lua_State *L, const JsonSettings *s, int depth);

static void json_addarray(lua_State *L, const JsonSettings *s, int length, int depth) {
  int i;
  buffer_char(L, &jsontext, '[');
  for (i = 1; i <= length; i++) {
    if (i > 1)
      buffer_char(L, &jsontext, ',');
    lua_rawgeti(L, -1, i);
    json_addvalue(L, s, depth);
    lua_pop(L, 1);
  }
  buffer_char(L, &jsontext, ']');
}

static void json_addobject(lua_State *L, const JsonSettings *s, int depth) {
  int first = 1;
  buffer_char(L, &jsontext, '{');
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    int type = lua_type(L, -2);
    if (!first)
      buffer_char(L, &jsontext, ',');
    first = 0;
    if (type == LUA_TNUMBER) {
      buffer_char(L, &jsontext, '"');
      json_addnumber(L, s, -2);
      buffer_add(L, &jsontext, "\":", 2);
    }
    else if (type == LUA_TSTRING) {
      json_addstring(L, -2);
      buffer_char(L, &jsontext, ':');
    }
    else
      json_refuse(L, -2, "table key must be a number or string");
    json_addvalue(L, s, depth);
    lua_pop(L, 1);
  }
  buffer_char(L, &jsontext, '}');
}

static void json_addvalue(lua_State *L, const JsonSettings *s, int depth) {
  switch (lua_type(L, -1)) {
    case LUA_TSTRING: json_addstring(L, -1); return;
    case LUA_TNUMBER: json_addnumber(L, s, -1); return;
    case LUA_TBOOLEAN:
      if (lua_toboolean(L, -1))
        buffer_add(L, &jsontext, "true", 4);
      else
        buffer_add(L, &jsontext, "false", 5);
      return;
    case LUA_TTABLE: {
      int length;
      if (++depth > s->encode_depth || !lua_checkstack(L, 3))
        luaL_error(L, "Cannot serialise, excessive nesting (%d)", depth);
      length = json_arraylength(L, s);
      if (length > 0)
        json_addarray(L, s, length, depth);
      else
        json_addobject(L, s, depth);
      return;
    }
    case LUA_TNIL: buffer_add(L, &jsontext, "null", 4); return;
    case LUA_TLIGHTUSERDATA:
      if (lua_touserdata(L, -1) == NULL) {
        buffer_add(L, &jsontext, "null", 4);
        return;
      }
      break;
    default: break;
  }
  json_refuse(L, -1, "type not supported");
}

static int json_encode(lua_State *L) {
  luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
  buffer_reset(&jsontext);
  json_addvalue(L, json_settings(L), 0);
  lua_pushlstring(L, jsontext.data, jsontext.used);
  buffer_reset(&jsontext);
  return 1;
}

/* --- decoding -------------------------------------------------------------- */

typedef enum JsonToken {
  J_OBJ_BEGIN, J_OBJ_END, J_ARR_BEGIN, J_ARR_END, J_STRING, J_NUMBER, J_TRUE, J_FALSE, J_NULL,
  J_COLON, J_COMMA, J_END, J_ERROR
} JsonToken;

static const char *const json_tokennames[] = {
  "T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN", "T_ARR_END", "T_STRING", "T_NUMBER", "T_BOOLEAN",
  "T_BOOLEAN", "T_NULL", "T_COLON", "T_COMMA", "T_END",
};

typedef struct JsonReader {
  lua_State *L;
  const JsonSettings *s;
  const char *data; /* ends with a NUL */
  const char *p;
  size_t at; /* where the token begins, or its error is */
  JsonToken token;
  double number;
  const char *error;
  int depth;
} JsonReader;

static void json_bad(JsonReader *r, const char *where, const char *error) {
  r->token = J_ERROR;
  r->error = error;
  r->at = (size_t)(where - r->data);
}

static int json_hex4(const char *s) {
  int value = 0, i;
  for (i = 0; i < 4; i++) {
    int c = (unsigned char)s[i], lower = c | 0x20, digit;
    if (c >= '0' && c <= '9') digit = c - '0';
    else if (lower >= 'a' && lower <= 'f') digit = lower - 'a' + 10;
    else return -1;
    value = value * 16 + digit;
  }
  return value;
}

/* Appends the character of \uXXXX (maybe two of them) at p; returns past it, or NULL. */
static const char *json_unicode(JsonReader *r, const char *p) {
  int c = json_hex4(p + 2);
  char *to = buffer_room(r->L, &jsontext, 4);
  if (c < 0)
    return NULL;
  p += 6;
  if ((c & 0xf800) == 0xd800) {
    int low;
    if ((c & 0x400) || p[0] != '\\' || p[1] != 'u')
      return NULL;
    low = json_hex4(p + 2);
    if (low < 0 || (low & 0xfc00) != 0xdc00)
      return NULL;
    c = (((c & 0x3ff) << 10) | (low & 0x3ff)) + 0x10000;
    p += 6;
  }
  if (c < 0x80)
    *to++ = (char)c;
  else if (c < 0x800) {
    *to++ = (char)(0xc0 | (c >> 6));
    *to++ = (char)(0x80 | (c & 0x3f));
  }
  else if (c < 0x10000) {
    *to++ = (char)(0xe0 | (c >> 12));
    *to++ = (char)(0x80 | ((c >> 6) & 0x3f));
    *to++ = (char)(0x80 | (c & 0x3f));
  }
  else {
    *to++ = (char)(0xf0 | (c >> 18));
    *to++ = (char)(0x80 | ((c >> 12) & 0x3f));
    *to++ = (char)(0x80 | ((c >> 6) & 0x3f));
    *to++ = (char)(0x80 | (c & 0x3f));
  }
  jsontext.used = (size_t)(to - jsontext.data);
  return p;
}

/* Reads the string whose quote is at r->p; its text is in `jsontext`. */
static void json_string(JsonReader *r) {
  const char *p = r->p + 1;
  jsontext.used = 0;
  for (;;) {
    const char *run = p;
    char c;
    while (*p != '"' && *p != '\\' && *p != '\0')
      p++;
    buffer_add(r->L, &jsontext, run, (size_t)(p - run));
    if (*p == '"')
      break;
    if (*p == '\0') {
      json_bad(r, p, "unexpected end of string");
      return;
    }
    switch (p[1]) {
      case '"': case '\\': case '/': c = p[1]; break;
      case 'b': c = '\b'; break;
      case 'f': c = '\f'; break;
      case 'n': c = '\n'; break;
      case 'r': c = '\r'; break;
      case 't': c = '\t'; break;
      case 'u': {
        const char *next = json_unicode(r, p);
        if (next == NULL) {
          json_bad(r, p, "invalid unicode escape code");
          return;
        }
        p = next;
        continue;
      }
      default:
        json_bad(r, p, "invalid escape code");
        return;
    }
    buffer_char(r->L, &jsontext, c);
    p += 2;
  }
  r->p = p + 1;
  r->token = J_STRING;
}

/* Numbers that are C's and not JSON's: +1, 01, 0x1, inf, nan. */
static int json_notjson(const char *p) {
  if (*p == '+')
    return 1;
  if (*p == '-')
    p++;
  if (*p == '0') {
    int second = (unsigned char)p[1];
    return (second | 0x20) == 'x' || (second >= '0' && second <= '9');
  }
  if (*p <= '9')
    return 0;
  return strncasecmp(p, "inf", 3) == 0 || strncasecmp(p, "nan", 3) == 0;
}

static void json_readnumber(JsonReader *r) {
  char *end;
  r->number = strtod(r->p, &end);
  if (end == r->p) {
    json_bad(r, r->p, "invalid number");
    return;
  }
  r->p = end;
  r->token = J_NUMBER;
}

static int json_word(JsonReader *r, const char *word, size_t l, JsonToken token) {
  if (strncmp(r->p, word, l) != 0)
    return 0;
  r->p += l;
  r->token = token;
  return 1;
}

static void json_next(JsonReader *r) {
  while (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r')
    r->p++;
  r->at = (size_t)(r->p - r->data);
  switch (*r->p) {
    case '\0': r->token = J_END; return;
    case '{': r->token = J_OBJ_BEGIN; r->p++; return;
    case '}': r->token = J_OBJ_END; r->p++; return;
    case '[': r->token = J_ARR_BEGIN; r->p++; return;
    case ']': r->token = J_ARR_END; r->p++; return;
    case ':': r->token = J_COLON; r->p++; return;
    case ',': r->token = J_COMMA; r->p++; return;
    case '"': json_string(r); return;
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7':
    case '8': case '9':
      if (!r->s->decode_invalid && json_notjson(r->p))
        json_bad(r, r->p, "invalid number");
      else
        json_readnumber(r);
      return;
    case 't': if (json_word(r, "true", 4, J_TRUE)) return; break;
    case 'f': if (json_word(r, "false", 5, J_FALSE)) return; break;
    case 'n': if (json_word(r, "null", 4, J_NULL)) return;
      if (r->s->decode_invalid && json_notjson(r->p)) {
        json_readnumber(r);
        return;
      }
      break;
    case '+': case 'i': case 'I': case 'N':
      if (r->s->decode_invalid && json_notjson(r->p)) {
        json_readnumber(r);
        return;
      }
      break;
    default: break;
  }
  json_bad(r, r->p, "invalid token");
}

static void json_expected(JsonReader *r, const char *what) {
  luaL_error(r->L, "Expected %s but found %s at character %d", what,
             r->token == J_ERROR ? r->error : json_tokennames[r->token], (int)r->at + 1);
}

static void json_descend(JsonReader *r, int slots) {
  r->depth++;
  if (r->depth > r->s->decode_depth || !lua_checkstack(r->L, slots))
    luaL_error(r->L, "Found too many nested data structures (%d) at character %d", r->depth,
               (int)(r->p - r->data));
}

static void json_value(JsonReader *r);

static void json_object(JsonReader *r) {
  lua_State *L = r->L;
  json_descend(r, 3);
  lua_newtable(L);
  json_next(r);
  if (r->token != J_OBJ_END) {
    for (;;) {
      if (r->token != J_STRING)
        json_expected(r, "object key string");
      lua_pushlstring(L, jsontext.data, jsontext.used);
      json_next(r);
      if (r->token != J_COLON)
        json_expected(r, "colon");
      json_next(r);
      json_value(r);
      lua_rawset(L, -3);
      json_next(r);
      if (r->token == J_OBJ_END)
        break;
      if (r->token != J_COMMA)
        json_expected(r, "comma or object end");
      json_next(r);
    }
  }
  r->depth--;
}

static void json_array(JsonReader *r) {
  lua_State *L = r->L;
  int i;
  json_descend(r, 2);
  lua_newtable(L);
  json_next(r);
  if (r->token != J_ARR_END) {
    for (i = 1;; i++) {
      json_value(r);
      lua_rawseti(L, -2, i);
      json_next(r);
      if (r->token == J_ARR_END)
        break;
      if (r->token != J_COMMA)
        json_expected(r, "comma or array end");
      json_next(r);
    }
  }
  r->depth--;
}

/* Pushes the value that begins with the token just read. */
static void json_value(JsonReader *r) {
  switch (r->token) {
    case J_STRING: lua_pushlstring(r->L, jsontext.data, jsontext.used); return;
    case J_NUMBER: lua_pushnumber(r->L, r->number); return;
    case J_TRUE: lua_pushboolean(r->L, 1); return;
    case J_FALSE: lua_pushboolean(r->L, 0); return;
    case J_NULL: lua_pushlightuserdata(r->L, NULL); return;
    case J_OBJ_BEGIN: json_object(r); return;
    case J_ARR_BEGIN: json_array(r); return;
    default: json_expected(r, "value");
  }
}

static int json_decode(lua_State *L) {
  JsonReader r;
  size_t length;
  luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
  r.L = L;
  r.s = json_settings(L);
  r.data = r.p = luaL_checklstring(L, 1, &length);
  r.depth = 0;
  if (length >= 2 && (r.data[0] == '\0' || r.data[1] == '\0'))
    luaL_error(L, "JSON parser does not support UTF-16 or UTF-32");
  buffer_reset(&jsontext);
  buffer_room(L, &jsontext, 1);
  json_next(&r);
  json_value(&r);
  json_next(&r);
  if (r.token != J_END)
    json_expected(&r, "the end");
  buffer_reset(&jsontext);
  return 1;
}

/* --- the module ------------------------------------------------------------ */

static int json_new(lua_State *L);

static const luaL_Reg cjsonlib[] = {
  {"encode", json_encode}, {"decode", json_decode},
  {"encode_sparse_array", json_sparse_array}, {"encode_max_depth", json_encode_max_depth},
  {"decode_max_depth", json_decode_max_depth},
  {"encode_number_precision", json_number_precision},
  {"encode_keep_buffer", json_keep_buffer}, {"encode_invalid_numbers", json_encode_invalid},
  {"decode_invalid_numbers", json_decode_invalid}, {"new", json_new}, {NULL, NULL},
};

static int json_new(lua_State *L) {
  static const JsonSettings defaults = {0, 2, 10, 1000, 0, 14, 1, 1, 1000};
  const luaL_Reg *entry;
  lua_newtable(L);
  *(JsonSettings *)lua_newuserdata(L, sizeof(JsonSettings)) = defaults;
  for (entry = cjsonlib; entry->name != NULL; entry++) {
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, entry->func, 1);
    setfield(L, -3, entry->name);
  }
  lua_pop(L, 1);
  lua_pushlightuserdata(L, NULL);
  setfield(L, -2, "null");
  lua_pushliteral(L, "cjson");
  setfield(L, -2, "_NAME");
  lua_pushliteral(L, "2.1.0");
  setfield(L, -2, "_VERSION");
  return 1;
}

static int open_cjson(lua_State *L) {
  json_new(L);
  lua_setglobal(L, "cjson");
  return 0;
}
