// Arithmetic on memory: one table of functions per instruction set, chosen once at startup.
// All matrices are row-major with `depth` inputs per row unless a format says otherwise. A "column" is one input vector
// and the output vector that belongs to it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// How the weights of a product lie in memory.
typedef enum ap_format {
  AP_ROWS_F32 = 0,    // [rows][depth] f32
  AP_ROWS_BF16 = 1,   // [rows][depth] bf16
  AP_PANELS_F32 = 2,  // [(rows + 15) / 16][depth][16] f32: sixteen rows interleaved, missing rows zero
  AP_PANELS_Q8 = 3,   // [(rows + 15) / 16][depth / 32] blocks of 8 bits a weight, and a scale per row (quantized.h)
  AP_PANELS_Q4 = 4,   // the same, of 4 bits a weight
  AP_PANELS_F16 = 5,  // [(rows + 15) / 16][depth][16] f16: sixteen rows interleaved, missing rows zero
} ap_format;

// Largest depth of a quantized product.
enum { AP_MAX_DEPTH = 32768 };

// Inputs of a quantized product, rounded to 8 bits. For block b of 32 inputs and column c of `columns`: 32 bytes, one
// scale, and the sum of the bytes, all at index b * columns + c.
typedef struct ap_rounded {
  int8_t *bytes;
  float *scales;
  int32_t *sums;
} ap_rounded;

// y[c][r] = bias[r] + sum over k of w[r][k] * x[c][k], for `columns` columns. With `accumulate` the result is added to y.
typedef struct ap_product {
  const void *weights;
  const float *bias;  // [rows] or null
  const float *x;
  float *y;
  intptr_t rows, depth, columns;
  intptr_t x_stride, y_stride;  // distance between columns, in floats
  ap_format format;
  bool accumulate;
  const ap_rounded *rounded;  // the columns, rounded; null: a quantized product rounds them itself
} ap_product;

// How keys and values are stored.
//
// F32 and F16: [heads][capacity][head_dim] keys, and values alike. Q8 and Q4 keep sixteen slots together, [heads][(capacity
// + 15) / 16]: keys as the panels of a quantized product, a slot in place of a row, so that scores are such a product;
// values as [16 slots][head_dim] bytes (value + 128), or half as many (value + 8; of 32 neighbours, value i in the low and
// i + 16 in the high half of byte i), then [head_dim / 32][16 slots] half-precision scales.
typedef enum ap_cache {
  AP_CACHE_F32 = 0,
  AP_CACHE_F16 = 1,
  AP_CACHE_Q8 = 2,
  AP_CACHE_Q4 = 3,
} ap_cache;

// Where a ring lies in the memory of each state, in bytes from its start. Position p lies in slot p % capacity.
typedef struct ap_ring {
  intptr_t keys, values, capacity;
  ap_cache format;
} ap_ring;

// Bytes of the keys of one ring, or of its values. Q8 and Q4: head_dim is a multiple of 32.
intptr_t ap_ring_bytes(ap_cache format, intptr_t heads, intptr_t capacity, intptr_t head_dim);

// Rings of one layer. Every position is written to `all`. If `recent` is above zero, the last `recent` positions of a
// query's window are read from the ring `fine`; if `pinned` is above zero, positions below it are read from the ring
// `first`.
typedef struct ap_memory {
  ap_ring all, fine, first;
  intptr_t recent, pinned;
  intptr_t heads, head_dim;
  bool rotate;  // heads are rotated by a Hadamard matrix before they are stored, and back after they are read
} ap_memory;

// Attention of `columns` queries, each over the rings of its own state; a query at position p sees the positions in
// (p - context, p] that are still in its ring.
typedef struct ap_attention {
  const float *queries;      // [columns][stride], heads contiguous
  const float *keys;         // the same, to be stored
  const float *values;       // the same
  float *out;                // [columns][heads * head_dim]
  float *scores;             // scratch, [columns * heads][capacity of `all`]
  void *const *states;     // per column: its state's memory
  const int64_t *positions;  // per column: position of the query
  const int64_t *newest;     // per column: newest position written to the ring
  const ap_memory *memory;
  intptr_t columns, stride, context;
  float scale;
} ap_attention;

// The functions that differ by instruction set.
typedef struct ap_table {
  const char *name;
  void (*product)(const ap_product *job, intptr_t part, intptr_t parts);
  // Rounds `columns` inputs of `depth`, `stride` floats apart, for a quantized product of all of them.
  void (*round)(const float *x, intptr_t stride, intptr_t depth, intptr_t columns, const ap_rounded *out);
  void (*attention)(const ap_attention *job, intptr_t part, intptr_t parts);
  // Writes the columns' keys and values to their rings; before `attention`, which sees them all.
  void (*remember)(const ap_attention *job, intptr_t part, intptr_t parts);
  void (*elu)(float *x, intptr_t n);
  void (*gelu)(float *x, intptr_t n);
  void (*silu_multiply)(const float *gate, const float *up, float *out, intptr_t n);
  void (*silu)(float *x, intptr_t n);
  void (*exponential)(float *x, intptr_t n);
  void (*softmax)(float *x, intptr_t n);
  void (*add)(float *y, const float *x, intptr_t n);
  void (*add_scaled)(float *y, const float *scale, const float *x, intptr_t n);
  void (*layer_norm)(const float *x, const float *weight, const float *bias, float epsilon, float *out, intptr_t n);
  void (*rms_norm)(const float *x, const float *weight, float epsilon, float *out, intptr_t n);
  // out[t][c] = bias[c] + sum over j of w[j][c] * x[t + j][c]
  void (*depthwise)(const float *x, const float *weight, const float *bias, float *out, intptr_t steps,
                    intptr_t channels, intptr_t kernel);
  // Reads every byte once; the result has no meaning and keeps the reads from being optimized away.
  uint32_t (*read)(const void *memory, intptr_t bytes);
} ap_table;

// The fastest table that this processor can run. ANTIPHON_ISA in the environment selects another one.
const ap_table *ap_best_table(void);
// The table of that name (plain, avx2, avx512 or dotprod), or null if this processor or build lacks it.
const ap_table *ap_table_named(const char *name);

// A fixed pool: `threads - 1` workers beside the caller. Workers spin for a while between jobs, then sleep.
typedef struct ap_workers ap_workers;
ap_workers *ap_workers_create(int threads);
void ap_workers_destroy(ap_workers *workers);
int ap_workers_count(const ap_workers *workers);
// Runs body(context, part, parts) once for every part, on all threads that are free; returns when all are done. With a
// null pool, a single part, or a pool that another caller is using, it runs body(context, 0, 1) on the caller.
void ap_workers_run(ap_workers *workers, void (*body)(const void *context, intptr_t part, intptr_t parts),
                    const void *context, intptr_t parts);
// A product on the pool; the inputs of a quantized one are rounded once for all parts.
void ap_run_product(ap_workers *workers, const ap_table *table, const ap_product *job, intptr_t parts);
// Reads memory on the pool, `bytes` in all.
void ap_run_read(ap_workers *workers, const ap_table *table, const void *memory, intptr_t bytes);
// Stores the columns' keys and values in `storing` parts, then computes attention in `reading` parts.
void ap_run_attention(ap_workers *workers, const ap_table *table, const ap_attention *job, intptr_t storing,
                      intptr_t reading);

// Half precision to single, and back rounding to nearest even; for finite values.
float ap_from_half(uint16_t x);
uint16_t ap_to_half(float x);

static inline float ap_from_bf16(uint16_t x) {
  union {
    uint32_t u;
    float f;
  } v = {(uint32_t)x << 16};
  return v.f;
}

#ifdef __cplusplus
}
#endif
