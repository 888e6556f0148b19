// Products with weights of 8 and 4 bits. Included by template.h, once per instruction set.
//
// Inputs are rounded to 8 bits, with one scale per block and column. Sums of a block are exact integers on every
// machine; they are scaled and added in f32, block by block, so every instruction set and every number of columns gives
// the same result up to fused rounding.

#include "blocks.h"

// Rounds `columns` inputs. Operations are not contracted, so that every instruction set gives the same bytes.
static void FN(round)(const float *x, intptr_t stride, intptr_t depth, intptr_t columns, const ap_rounded *out) {
#pragma clang fp contract(off)
  for (intptr_t c = 0; c < columns; c++) {
    const float *in = x + c * stride;
    for (intptr_t b = 0; b < depth / BLOCK; b++, in += BLOCK) {
      vec high = splat(0);
#pragma unroll
      for (int i = 0; i < BLOCK; i += AP_LANES) high = vmax(high, __builtin_elementwise_abs(load(in + i)));
      float top = high[0];
#pragma unroll
      for (int i = 1; i < AP_LANES; i++) top = high[i] > top ? high[i] : top;
      float inverse = top > 0 ? 127.0f / top : 0;
      int8_t *bytes = out->bytes + (b * columns + c) * BLOCK;
      ivec total = {};
#pragma unroll
      for (int i = 0; i < BLOCK; i += AP_LANES) {
        // Adding and subtracting 1.5 * 2^23 rounds to nearest, the default mode of every instruction set.
        vec scaled = load(in + i) * inverse;
        scaled = scaled + 12582912.0f;
        ivec q = __builtin_convertvector(scaled - 12582912.0f, ivec);
        total += q;
        *(signed_bytes *)(bytes + i) = __builtin_convertvector(q, signed_bytes);
      }
      int32_t sum = 0;
#pragma unroll
      for (int i = 0; i < AP_LANES; i++) sum += total[i];
      out->scales[b * columns + c] = top / 127.0f;
      out->sums[b * columns + c] = sum;
    }
  }
}

INLINE void FN(write_panel)(const ap_product *job, intptr_t row, intptr_t column, const panel *result) {
  panel sum = *result;
  float *y = job->y + column * job->y_stride + row;
  intptr_t rows = job->rows - row < 16 ? job->rows - row : 16;
  if (rows == 16) {
    if (job->bias) sum += *(const panel *)(job->bias + row);
    if (job->accumulate) sum += *(const panel *)y;
    *(panel *)y = sum;
    return;
  }
  float lanes[16];
  *(panel *)lanes = sum;
  for (intptr_t r = 0; r < rows; r++) {
    float s = lanes[r] + (job->bias ? job->bias[row + r] : 0);
    y[r] = job->accumulate ? y[r] + s : s;
  }
}

// One panel times `columns` of the `all` columns that were rounded together. Each output is one chain of additions over
// the blocks. Memory is prefetched AP_AHEAD bytes ahead into the second-level cache, because the first level's
// few pending requests are needed for the current reads.
#define QUANTIZED_TILE(name, block_function, block_bytes)                                                           \
  INLINE void FN(name)(const uint8_t *w, intptr_t blocks, const ap_rounded *x, intptr_t all, intptr_t column,       \
                       int columns, panel *a) {                                                                     \
    _Pragma("unroll") for (int c = 0; c < columns; c++) a[c] = (panel){};                                           \
    for (intptr_t b = 0; b < blocks; b++) {                                                                         \
      const uint8_t *p = w + b * (block_bytes);                                                                     \
      _Pragma("unroll") for (int line = 0; line < (block_bytes); line += 64)                                        \
          __builtin_prefetch(p + line + AP_AHEAD, 0, 2);                                                            \
      intptr_t at = b * all + column;                                                                               \
      panel_int sums[Q_TILE];                                                                                       \
      block_function(p, x->bytes + at * BLOCK, x->sums + at, columns, sums);                                        \
      panel scale;                                                                                                  \
      FN(read_scales)((const uint16_t *)(p + (block_bytes) - 32), &scale);                                                              \
      _Pragma("unroll") for (int c = 0; c < columns; c++)                                                           \
          a[c] += __builtin_convertvector(sums[c], panel) * (scale * x->scales[at + c]);                            \
    }                                                                                                               \
  }

#ifndef AP_AHEAD
#define AP_AHEAD 6144
#endif
QUANTIZED_TILE(tile_q8, FN(block_q8), Q8_BLOCK_BYTES)
QUANTIZED_TILE(tile_q4, FN(block_q4), Q4_BLOCK_BYTES)

// Panels first...last with every column: a panel stays in the nearest caches while all columns use it.
#define QUANTIZED_PANELS(name, tile, block_bytes)                                                        \
  static void FN(name)(const ap_product *job, const ap_rounded *x, intptr_t all, intptr_t skipped,       \
                       intptr_t first, intptr_t last) {                                                  \
    intptr_t blocks = job->depth / BLOCK;                                                                \
    for (intptr_t p = first; p < last; p++) {                                                            \
      const uint8_t *w = (const uint8_t *)job->weights + p * blocks * (block_bytes);                     \
      panel a[Q_TILE];                                                                                   \
      intptr_t c = 0;                                                                                    \
      while (c < all) {                                                                                  \
        intptr_t n = FN(tile_columns)(all - c);                                                          \
        if (n == 16 && Q_TILE >= 16) tile(w, blocks, x, all, c, Q_TILE >= 16 ? 16 : 1, a);               \
        if (n == 8 && Q_TILE >= 8) tile(w, blocks, x, all, c, Q_TILE >= 8 ? 8 : 1, a);                   \
        if (n == 4) tile(w, blocks, x, all, c, 4, a);                                                    \
        if (n == 3) tile(w, blocks, x, all, c, 3, a);                                                    \
        if (n == 2) tile(w, blocks, x, all, c, 2, a);                                                    \
        if (n == 1) tile(w, blocks, x, all, c, 1, a);                                                    \
        for (intptr_t i = 0; i < n; i++) FN(write_panel)(job, p * 16, skipped + c + i, &a[i]);           \
        c += n;                                                                                          \
      }                                                                                                  \
    }                                                                                                    \
  }

INLINE intptr_t FN(tile_columns)(intptr_t left) {
  if (left >= 16 && Q_TILE >= 16) return 16;
  if (left >= 8 && Q_TILE >= 8) return 8;
  return left >= 4 ? 4 : left;
}

QUANTIZED_PANELS(panels_q8, FN(tile_q8), Q8_BLOCK_BYTES)
QUANTIZED_PANELS(panels_q4, FN(tile_q4), Q4_BLOCK_BYTES)

static void FN(quantized)(const ap_product *job, intptr_t first, intptr_t last) {
  if (job->rounded) {
    if (job->format == AP_PANELS_Q8) FN(panels_q8)(job, job->rounded, job->columns, 0, first, last);
    if (job->format == AP_PANELS_Q4) FN(panels_q4)(job, job->rounded, job->columns, 0, first, last);
    return;
  }
  // The inputs have not been rounded yet, so this part rounds them itself, a few columns at a time.
  enum { FEW = 4 };
  int8_t bytes[FEW * job->depth] __attribute__((aligned(64)));
  float scales[FEW * job->depth / BLOCK];
  int32_t sums[FEW * job->depth / BLOCK];
  const ap_rounded x = {bytes, scales, sums};
  for (intptr_t c = 0; c < job->columns; c += FEW) {
    intptr_t count = job->columns - c < FEW ? job->columns - c : FEW;
    FN(round)(job->x + c * job->x_stride, job->x_stride, job->depth, count, &x);
    if (job->format == AP_PANELS_Q8) FN(panels_q8)(job, &x, count, c, first, last);
    if (job->format == AP_PANELS_Q4) FN(panels_q4)(job, &x, count, c, first, last);
  }
}
