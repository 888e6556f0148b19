// Products with weights of 8 and 4 bits. Included by template.h, once per instruction set.
//
// A panel is sixteen rows; a block is 32 inputs of them. Q8: [8 groups][16 rows][4] bytes, weight + 128. Q4: [4][16 rows][4]
// bytes, weight + 8, group g in the low and group g + 4 in the high half of a byte. After either: 16 half-precision
// scales. So a group of four inputs of all rows is one or two registers, as the dot-product instructions want it.
//
// Inputs are rounded to 8 bits, one scale per block and column. Sums of a block are exact integers on every machine; they
// are scaled and added in f32, block by block, so every instruction set and every number of columns gives the same result
// up to fused rounding.

#define BLOCK 32
#define Q8_BLOCK_BYTES (BLOCK * 16 + 32)
#define Q4_BLOCK_BYTES (BLOCK * 8 + 32)
enum { Q_TILE = 4 };  // columns of one pass over a panel

// One column, rounded: bytes, and per block a scale and the sum of the bytes.
typedef struct {
  int8_t *bytes;
  float *scales;
  int32_t *sums;
} FN(column);

static void FN(round_column)(const float *x, intptr_t depth, FN(column) out) {
  for (intptr_t b = 0; b < depth / BLOCK; b++) {
    const float *in = x + b * BLOCK;
    float top = 0;
    for (int i = 0; i < BLOCK; i++) top = fmaxf(top, fabsf(in[i]));
    float inverse = top > 0 ? 127.0f / top : 0;
    int32_t total = 0;
    for (int i = 0; i < BLOCK; i++) {
      // Rounds to nearest, as every instruction set does by default.
      int32_t q = (int32_t)((in[i] * inverse + 12582912.0f) - 12582912.0f);
      out.bytes[b * BLOCK + i] = (int8_t)q;
      total += q;
    }
    out.scales[b] = top / 127.0f;
    out.sums[b] = total;
  }
}

INLINE void FN(read_scales)(const void *p, panel *out) {
#if AP_LANES == 16
  *out = (panel)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#elif AP_LANES == 8
  _mm256_storeu_ps((float *)out, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)));
  _mm256_storeu_ps((float *)out + 8, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p + 1)));
#else
  for (int r = 0; r < 16; r++) (*out)[r] = ap_from_half(((const uint16_t *)p)[r]);
#endif
}

typedef int32_t panel_int __attribute__((vector_size(64), aligned(4)));

// Integer sums of one block: sixteen rows, `columns` columns.
INLINE void FN(block_q8)(const uint8_t *w, const FN(column) *x, intptr_t block, int columns, panel_int *sums) {
#if AP_LANES == 16
  __m512i a[Q_TILE];
#pragma unroll
  for (int c = 0; c < columns; c++) a[c] = _mm512_set1_epi32(-128 * x[c].sums[block]);
#pragma unroll
  for (int g = 0; g < 8; g++) {
    __m512i v = _mm512_loadu_si512(w + g * 64);
#pragma unroll
    for (int c = 0; c < columns; c++)
      a[c] = _mm512_dpbusd_epi32(a[c], v, _mm512_set1_epi32(((const int32_t *)(x[c].bytes + block * BLOCK))[g]));
  }
#pragma unroll
  for (int c = 0; c < columns; c++) sums[c] = (panel_int)a[c];
#elif AP_LANES == 8
  // maddubs adds pairs in 16 bits: |x| <= 127 times a signed weight stays inside, an offset weight would not.
  const __m256i ones = _mm256_set1_epi16(1), offset = _mm256_set1_epi8((char)0x80);
  __m256i a[Q_TILE][2];
#pragma unroll
  for (int c = 0; c < columns; c++) a[c][0] = a[c][1] = _mm256_setzero_si256();
#pragma unroll
  for (int g = 0; g < 8; g++) {
    __m256i low = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(w + g * 64)), offset);
    __m256i high = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(w + g * 64 + 32)), offset);
#pragma unroll
    for (int c = 0; c < columns; c++) {
      __m256i v = _mm256_set1_epi32(((const int32_t *)(x[c].bytes + block * BLOCK))[g]), u = _mm256_abs_epi8(v);
      a[c][0] = _mm256_add_epi32(
          a[c][0], _mm256_madd_epi16(_mm256_maddubs_epi16(u, _mm256_sign_epi8(low, v)), ones));
      a[c][1] = _mm256_add_epi32(
          a[c][1], _mm256_madd_epi16(_mm256_maddubs_epi16(u, _mm256_sign_epi8(high, v)), ones));
    }
  }
#pragma unroll
  for (int c = 0; c < columns; c++) memcpy(&sums[c], a[c], sizeof sums[c]);
#else
  for (int c = 0; c < columns; c++) {
    const int8_t *v = x[c].bytes + block * BLOCK;
    panel_int s = {};
    for (int g = 0; g < 8; g++)
      for (int r = 0; r < 16; r++)
        for (int i = 0; i < 4; i++) s[r] += ((int32_t)w[g * 64 + r * 4 + i] - 128) * v[g * 4 + i];
    sums[c] = s;
  }
#endif
}

INLINE void FN(block_q4)(const uint8_t *w, const FN(column) *x, intptr_t block, int columns, panel_int *sums) {
#if AP_LANES == 16
  const __m512i mask = _mm512_set1_epi8(15);
  __m512i a[Q_TILE];
#pragma unroll
  for (int c = 0; c < columns; c++) a[c] = _mm512_set1_epi32(-8 * x[c].sums[block]);
#pragma unroll
  for (int g = 0; g < 4; g++) {
    __m512i v = _mm512_loadu_si512(w + g * 64);
    __m512i low = _mm512_and_si512(v, mask), high = _mm512_and_si512(_mm512_srli_epi16(v, 4), mask);
#pragma unroll
    for (int c = 0; c < columns; c++) {
      const int32_t *in = (const int32_t *)(x[c].bytes + block * BLOCK);
      a[c] = _mm512_dpbusd_epi32(a[c], low, _mm512_set1_epi32(in[g]));
      a[c] = _mm512_dpbusd_epi32(a[c], high, _mm512_set1_epi32(in[g + 4]));
    }
  }
#pragma unroll
  for (int c = 0; c < columns; c++) sums[c] = (panel_int)a[c];
#elif AP_LANES == 8
  // 15 * 127 * 2 * 8 groups = 30480: a whole block fits in 16 bits.
  const __m256i mask = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
  __m256i a[Q_TILE][2];
#pragma unroll
  for (int c = 0; c < columns; c++) a[c][0] = a[c][1] = _mm256_setzero_si256();
#pragma unroll
  for (int g = 0; g < 4; g++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      __m256i v = _mm256_loadu_si256((const __m256i *)(w + g * 64 + h * 32));
      __m256i low = _mm256_and_si256(v, mask), high = _mm256_and_si256(_mm256_srli_epi16(v, 4), mask);
#pragma unroll
      for (int c = 0; c < columns; c++) {
        const int32_t *in = (const int32_t *)(x[c].bytes + block * BLOCK);
        a[c][h] = _mm256_add_epi16(a[c][h], _mm256_maddubs_epi16(low, _mm256_set1_epi32(in[g])));
        a[c][h] = _mm256_add_epi16(a[c][h], _mm256_maddubs_epi16(high, _mm256_set1_epi32(in[g + 4])));
      }
    }
  }
#pragma unroll
  for (int c = 0; c < columns; c++) {
    __m256i correction = _mm256_set1_epi32(8 * x[c].sums[block]);
    __m256i s[2] = {_mm256_sub_epi32(_mm256_madd_epi16(a[c][0], ones), correction),
                    _mm256_sub_epi32(_mm256_madd_epi16(a[c][1], ones), correction)};
    memcpy(&sums[c], s, sizeof sums[c]);
  }
#else
  for (int c = 0; c < columns; c++) {
    const int8_t *v = x[c].bytes + block * BLOCK;
    panel_int s = {};
    for (int g = 0; g < 4; g++)
      for (int r = 0; r < 16; r++)
        for (int i = 0; i < 4; i++) {
          uint8_t byte = w[g * 64 + r * 4 + i];
          s[r] += ((byte & 15) - 8) * v[g * 4 + i] + ((byte >> 4) - 8) * v[(g + 4) * 4 + i];
        }
    sums[c] = s;
  }
#endif
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

#define QUANTIZED_TILE(name, block_function, block_bytes)                                                   \
  INLINE void FN(name)(const ap_product *job, const uint8_t *w, const FN(column) *x, intptr_t row,          \
                       intptr_t column, int columns) {                                                      \
    panel a[Q_TILE] = {};                                                                                   \
    for (intptr_t b = 0; b < job->depth / BLOCK; b++) {                                                     \
      const uint8_t *p = w + b * (block_bytes);                                                             \
      for (int line = 0; line < (block_bytes); line += 64) __builtin_prefetch(p + line + 2048);             \
      panel_int sums[Q_TILE];                                                                               \
      block_function(p, x, b, columns, sums);                                                               \
      panel scale;                                                                                          \
      FN(read_scales)(p + (block_bytes) - 32, &scale);                                                      \
      _Pragma("unroll") for (int c = 0; c < columns; c++)                                                   \
          a[c] += __builtin_convertvector(sums[c], panel) * (scale * x[c].scales[b]);                       \
    }                                                                                                       \
    _Pragma("unroll") for (int c = 0; c < columns; c++) FN(write_panel)(job, row, column + c, &a[c]);       \
  }

QUANTIZED_TILE(tile_q8, FN(block_q8), Q8_BLOCK_BYTES)
QUANTIZED_TILE(tile_q4, FN(block_q4), Q4_BLOCK_BYTES)

static void FN(quantized)(const ap_product *job, intptr_t first, intptr_t last) {
  intptr_t depth = job->depth, blocks = depth / BLOCK;
  bool is_q8 = job->format == AP_PANELS_Q8;
  intptr_t panel_bytes = blocks * (is_q8 ? Q8_BLOCK_BYTES : Q4_BLOCK_BYTES);
  // Every part rounds the inputs for itself: a few microseconds, and nothing shared.
  int8_t bytes[Q_TILE * AP_MAX_DEPTH] __attribute__((aligned(64)));
  float scales[Q_TILE * AP_MAX_DEPTH / BLOCK];
  int32_t sums[Q_TILE * AP_MAX_DEPTH / BLOCK];
  for (intptr_t c = 0; c < job->columns; c += Q_TILE) {
    FN(column) x[Q_TILE];
    intptr_t count = job->columns - c < Q_TILE ? job->columns - c : Q_TILE;
    for (intptr_t i = 0; i < count; i++) {
      x[i] = (FN(column)){bytes + i * depth, scales + i * blocks, sums + i * blocks};
      FN(round_column)(job->x + (c + i) * job->x_stride, depth, x[i]);
    }
    for (intptr_t p = first; p < last; p++) {
      const uint8_t *w = (const uint8_t *)job->weights + p * panel_bytes;
      if (is_q8) {
        if (count == 4) FN(tile_q8)(job, w, x, p * 16, c, 4);
        if (count == 3) FN(tile_q8)(job, w, x, p * 16, c, 3);
        if (count == 2) FN(tile_q8)(job, w, x, p * 16, c, 2);
        if (count == 1) FN(tile_q8)(job, w, x, p * 16, c, 1);
      } else {
        if (count == 4) FN(tile_q4)(job, w, x, p * 16, c, 4);
        if (count == 3) FN(tile_q4)(job, w, x, p * 16, c, 3);
        if (count == 2) FN(tile_q4)(job, w, x, p * 16, c, 2);
        if (count == 1) FN(tile_q4)(job, w, x, p * 16, c, 1);
      }
    }
  }
}
