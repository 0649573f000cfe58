/*
** SHA-1, of redis.sha1hex.
*/

static inline uint32_t rotate(uint32_t x, int n) { return (x << n) | (x >> (32 - n)); }

static void sha1block(uint32_t h[5], const unsigned char *p) {
  uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
  int i;
  for (i = 0; i < 16; i++, p += 4)
    w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
  for (; i < 80; i++)
    w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  for (i = 0; i < 80; i++) {
    uint32_t f, k, t;
    if (i < 20) { f = (b & c) | (~b & d); k = 0x5a827999; }
    else if (i < 40) { f = b ^ c ^ d; k = 0x6ed9eba1; }
    else if (i < 60) { f = (b & c) | (b & d) | (c & d); k = 0x8f1bbcdc; }
    else { f = b ^ c ^ d; k = 0xca62c1d6; }
    t = rotate(a, 5) + f + e + k + w[i];
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = t;
  }
  h[0] += a;
  h[1] += b;
  h[2] += c;
  h[3] += d;
  h[4] += e;
}

static void sha1hex(char hex[40], const unsigned char *s, size_t l) {
  uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  unsigned char last[128];
  size_t rest = l % 64, blocks = l / 64, i, size = rest < 56 ? 64 : 128;
  respite_budget -= (int)(l >> 5);
  for (i = 0; i < blocks; i++)
    sha1block(h, s + i * 64);
  memset(last, 0, sizeof(last));
  if (rest > 0)
    memcpy(last, s + blocks * 64, rest);
  last[rest] = 0x80;
  for (i = 0; i < 8; i++)
    last[size - 1 - i] = (unsigned char)(((uint64_t)l * 8) >> (8 * i));
  sha1block(h, last);
  if (size == 128)
    sha1block(h, last + 64);
  for (i = 0; i < 40; i++)
    hex[i] = "0123456789abcdef"[(h[i / 8] >> (28 - 4 * (i % 8))) & 15];
}
