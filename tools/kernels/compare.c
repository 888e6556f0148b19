// Compares every table of kernels that this machine has with the plain one: integer parts to the last bit, sums in f32 and
// attention closely. The same source runs on arm64 (tools/check-arm64). Ends with 1 where something differs.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"

static uint64_t seed = 1;
static float noise(void) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (float)(int32_t)(seed >> 32) * 0x1p-31f;
}
static int faults = 0, checks = 0;
static void expect(bool holds, const char *table, const char *what, long a, long b, long c) {
  checks++;
  if (holds) return;
  if (faults++ < 20) printf("%s: %s differs (%ld, %ld, %ld)\n", table, what, a, b, c);
}

// Weights that are levels exactly: every scale is one.
static uint8_t *pack(int bits, long rows, long depth, int8_t *levels) {
  long blocks = depth / 32, block_bytes = bits == 8 ? 544 : 288, panels = (rows + 15) / 16;
  uint8_t *w = calloc(1, (size_t)(panels * blocks * block_bytes) + 4096);
  for (long r = 0; r < panels * 16; r++)
    for (long k = 0; k < depth; k++) {
      int level = bits == 8 ? (int)(noise() * 127.9f) : (int)floorf(noise() * 8);
      if (r >= rows) level = 0;
      if (r < rows) levels[r * depth + k] = (int8_t)level;
      uint8_t *block = w + (r / 16 * blocks + k / 32) * block_bytes;
      long g = k % 32 / 4, i = k % 4, lane = r % 16;
      if (bits == 8) {
        block[g * 64 + lane * 4 + i] = (uint8_t)(level + 128);
      } else {
        block[g % 4 * 64 + lane * 4 + i] |= (uint8_t)((level + 8) << (g < 4 ? 0 : 4));
      }
      uint16_t one = 0x3C00;
      memcpy(block + block_bytes - 32 + lane * 2, &one, 2);
    }
  return w;
}

static void products(const ap_table *table, int bits, long rows, long depth, long columns) {
  int8_t *levels = malloc((size_t)(rows * depth));
  uint8_t *w = pack(bits, rows, depth, levels);
  float *x = malloc(sizeof(float) * (size_t)(columns * depth)), *y = malloc(sizeof(float) * (size_t)(columns * rows));
  // Whole numbers with a 127 in every block: rounding changes nothing, and every sum is exact.
  for (long i = 0; i < columns * depth; i++) x[i] = i % 32 == 5 ? 127 : rintf(noise() * 126);
  ap_product job = {w, NULL, x, y, rows, depth, columns, depth, rows, bits == 8 ? AP_PANELS_Q8 : AP_PANELS_Q4, false, NULL};
  for (int parts = 1; parts <= 3; parts += 2) {
    ap_workers *pool = ap_workers_create(parts);
    for (int own = 0; own < 2; own++) {
      for (long i = 0; i < columns * rows; i++) y[i] = -1e30f;
      if (own) {
        for (int part = 0; part < parts; part++) table->product(&job, part, parts);
      } else {
        ap_run_product(pool, table, &job, parts);
      }
      bool same = true;
      for (long c = 0; c < columns; c++)
        for (long r = 0; r < rows; r++) {
          long exact = 0;
          for (long k = 0; k < depth; k++) exact += (long)levels[r * depth + k] * (long)x[c * depth + k];
          same = same && y[c * rows + r] == (float)exact;
        }
      expect(same, table->name, bits == 8 ? "product of 8 bits" : "product of 4 bits", rows, depth, columns);
    }
    ap_workers_destroy(pool);
  }
  free(levels), free(w), free(x), free(y);
}

static void rounding(const ap_table *table, const ap_table *plain, long depth, long columns) {
  float *x = malloc(sizeof(float) * (size_t)(columns * depth));
  for (long i = 0; i < columns * depth; i++) x[i] = i / 32 % 7 == 3 ? 0 : noise() * expf(4 * noise());
  // Halves between two levels, where a fused multiply-add would round another way.
  for (long i = 0; i < 32; i++) x[i] = (float)(i - 16) + 0.5f;
  x[7] = 127;
  size_t blocks = (size_t)(columns * depth / 32);
  ap_rounded a = {malloc(blocks * 32), malloc(blocks * 4), malloc(blocks * 4)};
  ap_rounded b = {malloc(blocks * 32), malloc(blocks * 4), malloc(blocks * 4)};
  table->round(x, depth, depth, columns, &a);
  plain->round(x, depth, depth, columns, &b);
  expect(memcmp(a.bytes, b.bytes, blocks * 32) == 0 && memcmp(a.scales, b.scales, blocks * 4) == 0 &&
             memcmp(a.sums, b.sums, blocks * 4) == 0,
         table->name, "rounding", depth, columns, 0);
  free(x), free(a.bytes), free(a.scales), free(a.sums), free(b.bytes), free(b.scales), free(b.sums);
}

static void attention(const ap_table *table, const ap_table *plain, ap_cache format, bool is_layered, long d, long steps) {
  enum { HEADS = 3, CONTEXT = 40, CAPACITY = 45 };
  intptr_t offset = 0;
  ap_memory memory = {.heads = HEADS, .head_dim = d};
  ap_ring *rings[] = {&memory.all, &memory.fine, &memory.first};
  for (int i = 0; i < 3; i++) {
    *rings[i] = (ap_ring){.capacity = i == 0 ? CAPACITY : 16, .format = i == 0 ? format : AP_CACHE_Q8};
    intptr_t bytes = (ap_ring_bytes(rings[i]->format, HEADS, rings[i]->capacity, d) + 63) & ~63;
    rings[i]->keys = offset;
    rings[i]->values = offset + bytes;
    offset += 2 * bytes;
  }
  if (is_layered) memory.recent = 9, memory.pinned = 4, memory.rotate = true;
  uint8_t *mine = calloc(1, (size_t)offset), *other = calloc(1, (size_t)offset);
  long width = HEADS * d;
  float *row = malloc(sizeof(float) * (size_t)width * 3), *out = malloc(sizeof(float) * (size_t)width * 2);
  float scores[HEADS * CAPACITY];
  for (int64_t p = 0; p < steps; p++) {
    for (long i = 0; i < 3 * width; i++) row[i] = noise() * 2;
    for (int which = 0; which < 2; which++) {
      void *session = which ? other : mine;
      ap_attention job = {row, row + width, row + 2 * width, out + which * width, scores, &session, &p, &p,
                          &memory, 1, 3 * width, CONTEXT, 1 / sqrtf((float)d)};
      (which ? plain : table)->remember(&job, 0, 1);
      (which ? plain : table)->attention(&job, 0, 1);
    }
    float most = 0;
    for (long i = 0; i < width; i++) most = fmaxf(most, fabsf(out[i] - out[width + i]));
    expect(most <= 1e-4f, table->name, "attention", format, d, p);
  }
  if (!is_layered) expect(memcmp(mine, other, (size_t)offset) == 0, table->name, "a ring's content", format, d, steps);
  free(mine), free(other), free(row), free(out);
}

int main(int count, char **names) {
  const char *usual[] = {"", "plain", "avx2", "avx512", "dotprod"};
  if (count < 2) count = 5;
  const ap_table *plain = ap_table_named("plain");
  for (int i = 1; i < count; i++) {
    const ap_table *table = ap_table_named(names[1] ? names[i] : usual[i]);
    if (!table && names[1]) return printf("this machine has no table '%s'\n", names[i]), 1;
    if (!table) continue;
    int before = checks;
    for (int bits = 4; bits <= 8; bits += 4) {
      const long rows[] = {1, 15, 16, 17, 35, 64}, depths[] = {32, 64, 96, 160, 512};
      for (int r = 0; r < 6; r++)
        for (int k = 0; k < 5; k++)
          for (long columns = 1; columns <= 17; columns++) products(table, bits, rows[r], depths[k], columns);
      products(table, bits, 40, 11264, 5);
    }
    for (long columns = 1; columns <= 5; columns++) rounding(table, plain, 256, columns);
    for (int format = AP_CACHE_F32; format <= AP_CACHE_Q4; format++)
      for (long d = 32; d <= 128; d *= 2)
        for (int layered = 0; layered < 2; layered++) attention(table, plain, (ap_cache)format, layered, d, 100);
    for (int format = AP_CACHE_F32; format <= AP_CACHE_F16; format++) attention(table, plain, (ap_cache)format, false, 12, 100);
    printf("%s: %d comparisons\n", table->name, checks - before);
  }
  if (faults) printf("%d differ\n", faults);
  return faults != 0;
}
