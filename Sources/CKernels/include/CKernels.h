// Arithmetic on memory, one table of functions per instruction set, chosen once at start.
// All matrices are row-major with `depth` inputs per row unless a format says otherwise; a "column" is one input
// vector and the output vector that belongs to it.
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
} ap_format;

// Largest depth of a quantized product.
enum { AP_MAX_DEPTH = 32768 };

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
} ap_product;

// Attention of `columns` queries over one ring of keys and values per column.
// Keys and values lie as [head][slot][head_dim]; a query at position p sees positions in (p - context, p] still in the ring.
typedef struct ap_attention {
  const float *queries;          // [columns][query_stride], heads contiguous
  float *out;                    // [columns][heads * head_dim]
  float *scores;                 // scratch, [columns * heads][capacity]
  const float **keys;            // per column
  const float **values;          // per column
  const int64_t *positions;      // per column: position of the query
  const int64_t *newest;         // per column: newest position written to the ring
  intptr_t columns, heads, head_dim, query_stride, capacity, context;
  float scale;
} ap_attention;

// The functions that differ by instruction set.
typedef struct ap_table {
  const char *name;
  void (*product)(const ap_product *job, intptr_t part, intptr_t parts);
  void (*attention)(const ap_attention *job, intptr_t part, intptr_t parts);
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
} ap_table;

// The fastest table this processor can run. ANTIPHON_ISA=plain|avx2|avx512 in the environment asks for another one
// that it can run.
const ap_table *ap_best_table(void);
// The table of that name, or null where this processor or build lacks it.
const ap_table *ap_table_named(const char *name);

// A fixed pool: `threads - 1` workers beside the caller. Workers spin for a while between jobs, then sleep.
typedef struct ap_workers ap_workers;
ap_workers *ap_workers_create(int threads);
void ap_workers_destroy(ap_workers *workers);
int ap_workers_count(const ap_workers *workers);
// Runs body(context, part, parts) once for every part, on all threads that have time; returns when all are done. A null
// pool, a single part, or a pool that another caller uses at the moment: body(context, 0, 1) on the caller.
void ap_workers_run(ap_workers *workers, void (*body)(const void *context, intptr_t part, intptr_t parts),
                    const void *context, intptr_t parts);

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
