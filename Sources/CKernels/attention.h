// Attention over rings of keys and values as they are stored. Included by template.h, once per instruction set.
//
// Scores of sixteen slots of 8 or 4 bits are one panel of a quantized product (blocks.h), with the query rounded to 8
// bits like any input. Values are widened in registers and added slot by slot, in the order of their positions,
// whatever the number of columns, so a block of columns gives the same bits as single steps.

#include "kv_ring.h"

INLINE float dot(const float *a, const float *b, intptr_t n) {
  vec s = {}, t = {};
  intptr_t i = 0;
  for (; i + 2 * AP_LANES <= n; i += 2 * AP_LANES) {
    s += load(a + i) * load(b + i);
    t += load(a + i + AP_LANES) * load(b + i + AP_LANES);
  }
  float r = sum(s + t);
  for (; i < n; i++) r += a[i] * b[i];
  return r;
}

INLINE float dot_half(const float *a, const uint16_t *b, intptr_t n) {
  vec s = {}, t = {};
  intptr_t i = 0;
  for (; i + 2 * AP_LANES <= n; i += 2 * AP_LANES) {
    s += load(a + i) * load_half(b + i);
    t += load(a + i + AP_LANES) * load_half(b + i + AP_LANES);
  }
  float r = sum(s + t);
  for (; i < n; i++) r += a[i] * ap_from_half(b[i]);
  return r;
}

// A query, and its rounded form, which scores of quantized keys need.
typedef struct {
  const float *values;
  ap_rounded rounded;
} FN(query);

// Scores of `count` neighbouring slots, starting with `slot`.
static void FN(score_run)(const ap_ring *ring, const uint8_t *keys, intptr_t d, const FN(query) *q, float scale,
                          intptr_t slot, intptr_t count, float *scores) {
  if (ring->format == AP_CACHE_F32) {
    for (intptr_t i = 0; i < count; i++) scores[i] = scale * dot(q->values, (const float *)keys + (slot + i) * d, d);
    return;
  }
  if (ring->format == AP_CACHE_F16) {
    for (intptr_t i = 0; i < count; i++)
      scores[i] = scale * dot_half(q->values, (const uint16_t *)keys + (slot + i) * d, d);
    return;
  }
  bool is_q8 = ring->format == AP_CACHE_Q8;
  intptr_t blocks = d / BLOCK, bytes = blocks * (is_q8 ? Q8_BLOCK_BYTES : Q4_BLOCK_BYTES), end = slot + count;
  for (intptr_t group = slot / 16; group * 16 < end; group++) {
    panel a[Q_TILE];
    if (is_q8) {
      FN(tile_q8)(keys + group * bytes, blocks, &q->rounded, 1, 0, 1, a);
    } else {
      FN(tile_q4)(keys + group * bytes, blocks, &q->rounded, 1, 0, 1, a);
    }
    a[0] *= scale;
    intptr_t first = group * 16 < slot ? slot - group * 16 : 0, last = end - group * 16 < 16 ? end - group * 16 : 16;
    float *to = scores + group * 16 + first - slot;
    if (last - first == 16) {
      *(panel *)to = a[0];
    } else {
      float lanes[16];
      *(panel *)lanes = a[0];
      memcpy(to, lanes + first, sizeof(float) * (size_t)(last - first));
    }
  }
}

enum { FN(wide) = 32 / AP_LANES };  // registers of 32 values

// out += sum over up to sixteen slots of w[i] * value i. Sixteen slots stay in the first-level cache, and 32 values in
// registers.
#define VALUE_ROWS(name, type, fetch, scalar)                                                                  \
  INLINE void FN(name)(const type *rows, intptr_t d, const float *w, intptr_t count, float *out) {             \
    intptr_t j = 0;                                                                                            \
    for (; j + 32 <= d; j += 32) {                                                                             \
      vec a[FN(wide)];                                                                                         \
      _Pragma("unroll") for (int k = 0; k < FN(wide); k++) a[k] = load(out + j + k * AP_LANES);                \
      for (intptr_t i = 0; i < count; i++) {                                                                   \
        const type *row = rows + i * d + j;                                                                    \
        __builtin_prefetch(row + 16 * d);                                                                      \
        _Pragma("unroll") for (int k = 0; k < FN(wide); k++) a[k] += w[i] * fetch(row + k * AP_LANES);         \
      }                                                                                                        \
      _Pragma("unroll") for (int k = 0; k < FN(wide); k++) store(out + j + k * AP_LANES, a[k]);                \
    }                                                                                                          \
    for (; j < d; j++)                                                                                         \
      for (intptr_t i = 0; i < count; i++) out[j] += w[i] * scalar(rows[i * d + j]);                           \
  }
VALUE_ROWS(values_f32, float, load, AS_IS)
VALUE_ROWS(values_f16, uint16_t, load_half, ap_from_half)

INLINE vec FN(widen)(bytes_vec v, int offset) {
  return __builtin_convertvector(__builtin_convertvector(v, ivec) - offset, vec);
}

// The same for a group of sixteen slots in 8 or 4 bits; slots outside the window have w = 0.
INLINE void FN(values_q8)(const uint8_t *group, intptr_t d, const float *w, float *out) {
  for (intptr_t b = 0; b < d / BLOCK; b++) {
    panel scales;
    FN(read_scales)((const uint16_t *)(group + 16 * d + b * 32), &scales);
    float by_slot[16];
    *(panel *)by_slot = scales * *(const panel *)w;
    vec a[FN(wide)];
#pragma unroll
    for (int k = 0; k < FN(wide); k++) a[k] = load(out + b * BLOCK + k * AP_LANES);
    for (int i = 0; i < 16; i++) {
      const uint8_t *row = group + i * d + b * BLOCK;
      __builtin_prefetch(row + 2 * 16 * d);
#pragma unroll
      for (int k = 0; k < FN(wide); k++)
        a[k] += by_slot[i] * FN(widen)(*(const bytes_vec *)(row + k * AP_LANES), 128);
    }
#pragma unroll
    for (int k = 0; k < FN(wide); k++) store(out + b * BLOCK + k * AP_LANES, a[k]);
  }
}

INLINE void FN(values_q4)(const uint8_t *group, intptr_t d, const float *w, float *out) {
  for (intptr_t b = 0; b < d / BLOCK; b++) {
    panel scales;
    FN(read_scales)((const uint16_t *)(group + 8 * d + b * 32), &scales);
    float by_slot[16];
    *(panel *)by_slot = scales * *(const panel *)w;
    vec a[FN(wide)];
#pragma unroll
    for (int k = 0; k < FN(wide); k++) a[k] = load(out + b * BLOCK + k * AP_LANES);
    for (int i = 0; i < 16; i++) {
      const uint8_t *row = group + (i * d + b * BLOCK) / 2;
      __builtin_prefetch(row + 2 * 8 * d);
#pragma unroll
      for (int k = 0; k < FN(wide) / 2; k++) {
        bytes_vec both = *(const bytes_vec *)(row + k * AP_LANES);
        a[k] += by_slot[i] * FN(widen)(both & 15, 8);
        a[k + FN(wide) / 2] += by_slot[i] * FN(widen)(both >> 4, 8);
      }
    }
#pragma unroll
    for (int k = 0; k < FN(wide); k++) store(out + b * BLOCK + k * AP_LANES, a[k]);
  }
}

// out += sum of w[i] * value of slot + i.
static void FN(value_run)(const ap_ring *ring, const uint8_t *values, intptr_t d, const float *w, intptr_t slot,
                          intptr_t count, float *out) {
  if (ring->format == AP_CACHE_F32 || ring->format == AP_CACHE_F16) {
    for (intptr_t i = 0; i < count; i += 16) {
      intptr_t some = count - i < 16 ? count - i : 16, at = (slot + i) * d;
      if (ring->format == AP_CACHE_F32) FN(values_f32)((const float *)values + at, d, w + i, some, out);
      if (ring->format == AP_CACHE_F16) FN(values_f16)((const uint16_t *)values + at, d, w + i, some, out);
    }
    return;
  }
  intptr_t bytes = FN(group_bytes)(ring->format, d), end = slot + count;
  for (intptr_t group = slot / 16; group * 16 < end; group++) {
    float weights[16] = {0};
    intptr_t first = group * 16 < slot ? slot - group * 16 : 0, last = end - group * 16 < 16 ? end - group * 16 : 16;
    memcpy(weights + first, w + group * 16 + first - slot, sizeof(float) * (size_t)(last - first));
    if (ring->format == AP_CACHE_Q8) FN(values_q8)(values + group * bytes, d, weights, out);
    if (ring->format == AP_CACHE_Q4) FN(values_q4)(values + group * bytes, d, weights, out);
  }
}

// Neighbouring slots of one ring.
typedef struct {
  const ap_ring *ring;
  intptr_t slot, count;
} FN(run);

INLINE int FN(add_runs)(FN(run) *runs, int have, const ap_ring *ring, int64_t from, int64_t to) {
  if (from >= to) return have;
  intptr_t slot = (intptr_t)(from % ring->capacity), count = (intptr_t)(to - from);
  intptr_t before = ring->capacity - slot < count ? ring->capacity - slot : count;
  runs[have++] = (FN(run)){ring, slot, before};
  if (before < count) runs[have++] = (FN(run)){ring, 0, count - before};
  return have;
}

static void FN(attend_one)(const ap_attention *job, intptr_t column, intptr_t head) {
  const ap_memory *memory = job->memory;
  intptr_t d = memory->head_dim;
  int64_t p = job->positions[column];
  int64_t oldest = p - job->context + 1, kept = job->newest[column] - memory->all.capacity + 1;
  if (oldest < kept) oldest = kept;
  if (oldest < 0) oldest = 0;
  int64_t end = p + 1, pinned = oldest < memory->pinned ? memory->pinned : oldest;
  if (pinned > end) pinned = end;
  int64_t recent = memory->recent > 0 && end - memory->recent > pinned ? end - memory->recent : pinned;
  if (memory->recent == 0) recent = end;
  FN(run) runs[6];
  int count = FN(add_runs)(runs, 0, &memory->first, oldest, pinned);
  count = FN(add_runs)(runs, count, &memory->all, pinned, recent);
  count = FN(add_runs)(runs, count, &memory->fine, recent, end);

  float query[d], block_scales[d / BLOCK + 1];
  int8_t bytes[d];
  int32_t sums[d / BLOCK + 1];
  memcpy(query, job->queries + column * job->stride + head * d, sizeof(float) * (size_t)d);
  if (memory->rotate) FN(hadamard)(query, d);
  FN(query) q = {query, {bytes, block_scales, sums}};
  if (memory->all.format >= AP_CACHE_Q8 || memory->recent > 0) FN(round)(query, d, d, 1, &q.rounded);

  const uint8_t *state = job->states[column];
  float *scores = job->scores + (column * memory->heads + head) * memory->all.capacity, *to = scores;
  for (int i = 0; i < count; i++) {
    const ap_ring *ring = runs[i].ring;
    intptr_t bytes_per_head = FN(head_bytes)(ring->format, ring->capacity, d);
    FN(score_run)(ring, state + ring->keys + head * bytes_per_head, d, &q, job->scale, runs[i].slot, runs[i].count, to);
    to += runs[i].count;
  }
  FN(softmax)(scores, (intptr_t)(end - oldest));
  float *out = job->out + (column * memory->heads + head) * d;
  memset(out, 0, sizeof(float) * (size_t)d);
  to = scores;
  for (int i = 0; i < count; i++) {
    const ap_ring *ring = runs[i].ring;
    intptr_t bytes_per_head = FN(head_bytes)(ring->format, ring->capacity, d);
    FN(value_run)(ring, state + ring->values + head * bytes_per_head, d, to, runs[i].slot, runs[i].count, out);
    to += runs[i].count;
  }
  if (memory->rotate) FN(hadamard)(out, d);
}

static void FN(attention)(const ap_attention *job, intptr_t part, intptr_t parts) {
  intptr_t heads = job->memory->heads, all = job->columns * heads;
  for (intptr_t i = all * part / parts; i < all * (part + 1) / parts; i++)
    FN(attend_one)(job, i / heads, i % heads);
}
