// Integer sums of one block of quantized weights, and the sixteen scales that follow it. Included by template.h, once
// per instruction set.
//
// A panel is sixteen rows; a block is 32 inputs of them. Q8: [8 groups][16 rows][4] bytes, weight + 128. Q4: [4][16
// rows][4] bytes, weight + 8, group g in the low and group g + 4 in the high half of a byte. After either: 16
// half-precision scales. A group of four inputs of all rows thus fills one or more registers, as the dot-product
// instructions require.
//
// block_q8 and block_q4 take `columns` consecutive inputs of 32 bytes each, and `sums` of them; the weights are loaded
// and unpacked once for all of them. The results are exact integers, equal on every machine.

#define BLOCK 32
#define Q8_BLOCK_BYTES (BLOCK * 16 + 32)
#define Q4_BLOCK_BYTES (BLOCK * 8 + 32)

typedef int32_t panel_int __attribute__((vector_size(64), aligned(4)));

INLINE void FN(read_scales)(const uint16_t *p, panel *out) {
#pragma unroll
  for (int r = 0; r < 16; r += AP_LANES) store((float *)out + r, load_half(p + r));
}

INLINE int32_t FN(group)(const int8_t *x, int g) {
  int32_t four;
  memcpy(&four, x + 4 * g, 4);
  return four;
}

#if AP_LANES == 16

#define Q_TILE 16  // columns of one pass over a block: eight weights and sixteen sums fit in 32 registers

// An accumulator starts at minus the sum that the weights' offset adds.
INLINE __m512i FN(dot_groups)(const __m512i *w, const int8_t *x, int32_t start) {
  __m512i a = _mm512_set1_epi32(start);
#pragma unroll
  for (int g = 0; g < 8; g++) a = _mm512_dpbusd_epi32(a, w[g], _mm512_set1_epi32(FN(group)(x, g)));
  return a;
}

INLINE void FN(block_q8)(const uint8_t *w, const int8_t *x, const int32_t *sums, int columns, panel_int *out) {
  __m512i v[8];
#pragma unroll
  for (int g = 0; g < 8; g++) v[g] = _mm512_loadu_si512(w + g * 64);
#pragma unroll
  for (int c = 0; c < columns; c++) out[c] = (panel_int)FN(dot_groups)(v, x + c * BLOCK, -128 * sums[c]);
}

INLINE void FN(block_q4)(const uint8_t *w, const int8_t *x, const int32_t *sums, int columns, panel_int *out) {
  const __m512i mask = _mm512_set1_epi8(15);
  __m512i v[8];
#pragma unroll
  for (int g = 0; g < 4; g++) {
    __m512i both = _mm512_loadu_si512(w + g * 64);
    v[g] = _mm512_and_si512(both, mask);
    v[g + 4] = _mm512_and_si512(_mm512_srli_epi16(both, 4), mask);
  }
#pragma unroll
  for (int c = 0; c < columns; c++) out[c] = (panel_int)FN(dot_groups)(v, x + c * BLOCK, -8 * sums[c]);
}

#elif AP_LANES == 8

#define Q_TILE 4

INLINE void FN(block_q8)(const uint8_t *w, const int8_t *x, const int32_t *sums, int columns, panel_int *out) {
  // maddubs adds pairs in 16 bits: |x| <= 127 times a signed weight does not overflow; times an offset weight it would.
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
      __m256i v = _mm256_set1_epi32(FN(group)(x + c * BLOCK, g)), u = _mm256_abs_epi8(v);
      a[c][0] =
          _mm256_add_epi32(a[c][0], _mm256_madd_epi16(_mm256_maddubs_epi16(u, _mm256_sign_epi8(low, v)), ones));
      a[c][1] =
          _mm256_add_epi32(a[c][1], _mm256_madd_epi16(_mm256_maddubs_epi16(u, _mm256_sign_epi8(high, v)), ones));
    }
  }
#pragma unroll
  for (int c = 0; c < columns; c++) memcpy(&out[c], a[c], sizeof out[c]);
}

INLINE void FN(block_q4)(const uint8_t *w, const int8_t *x, const int32_t *sums, int columns, panel_int *out) {
  // 15 * 127 * 2 * 8 groups = 30480: the sum of a whole block fits in 16 bits.
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
        const int8_t *in = x + c * BLOCK;
        a[c][h] = _mm256_add_epi16(a[c][h], _mm256_maddubs_epi16(low, _mm256_set1_epi32(FN(group)(in, g))));
        a[c][h] = _mm256_add_epi16(a[c][h], _mm256_maddubs_epi16(high, _mm256_set1_epi32(FN(group)(in, g + 4))));
      }
    }
  }
#pragma unroll
  for (int c = 0; c < columns; c++) {
    __m256i correction = _mm256_set1_epi32(8 * sums[c]);
    __m256i s[2] = {_mm256_sub_epi32(_mm256_madd_epi16(a[c][0], ones), correction),
                    _mm256_sub_epi32(_mm256_madd_epi16(a[c][1], ones), correction)};
    memcpy(&out[c], s, sizeof out[c]);
  }
}

#else

#define Q_TILE 4

#if defined(AP_DOTPROD)

// Four rows per register. The dot product takes signed weights, so no sum of inputs is needed.
INLINE void FN(add_group)(int32x4_t *a, const int8x16_t *w, const int8_t *x, int g) {
  const int8x16_t four = vreinterpretq_s8_s32(vdupq_n_s32(FN(group)(x, g)));
#pragma unroll
  for (int r = 0; r < 4; r++) a[r] = vdotq_s32(a[r], w[r], four);
}

INLINE void FN(block_q8)(const uint8_t *w, const int8_t *x, const int32_t *sums, int columns, panel_int *out) {
  int32x4_t a[Q_TILE][4] = {};
#pragma unroll
  for (int g = 0; g < 8; g++) {
    int8x16_t v[4];
#pragma unroll
    for (int r = 0; r < 4; r++)
      v[r] = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(w + g * 64 + r * 16), vdupq_n_u8(0x80)));
#pragma unroll
    for (int c = 0; c < columns; c++) FN(add_group)(a[c], v, x + c * BLOCK, g);
  }
#pragma unroll
  for (int c = 0; c < columns; c++) memcpy(&out[c], a[c], sizeof out[c]);
}

INLINE void FN(block_q4)(const uint8_t *w, const int8_t *x, const int32_t *sums, int columns, panel_int *out) {
  int32x4_t a[Q_TILE][4] = {};
#pragma unroll
  for (int g = 0; g < 4; g++) {
    int8x16_t low[4], high[4];
#pragma unroll
    for (int r = 0; r < 4; r++) {
      uint8x16_t both = vld1q_u8(w + g * 64 + r * 16);
      low[r] = vsubq_s8(vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(15))), vdupq_n_s8(8));
      high[r] = vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(both, 4)), vdupq_n_s8(8));
    }
#pragma unroll
    for (int c = 0; c < columns; c++) {
      FN(add_group)(a[c], low, x + c * BLOCK, g);
      FN(add_group)(a[c], high, x + c * BLOCK, g + 4);
    }
  }
#pragma unroll
  for (int c = 0; c < columns; c++) memcpy(&out[c], a[c], sizeof out[c]);
}

#else

INLINE void FN(block_q8)(const uint8_t *w, const int8_t *x, const int32_t *sums, int columns, panel_int *out) {
  for (int c = 0; c < columns; c++) {
    const int8_t *v = x + c * BLOCK;
    panel_int s = {};
    for (int g = 0; g < 8; g++)
      for (int r = 0; r < 16; r++)
        for (int i = 0; i < 4; i++) s[r] += ((int32_t)w[g * 64 + r * 4 + i] - 128) * v[g * 4 + i];
    out[c] = s;
  }
}

INLINE void FN(block_q4)(const uint8_t *w, const int8_t *x, const int32_t *sums, int columns, panel_int *out) {
  for (int c = 0; c < columns; c++) {
    const int8_t *v = x + c * BLOCK;
    panel_int s = {};
    for (int g = 0; g < 4; g++)
      for (int r = 0; r < 16; r++)
        for (int i = 0; i < 4; i++) {
          uint8_t byte = w[g * 64 + r * 4 + i];
          s[r] += ((byte & 15) - 8) * v[g * 4 + i] + ((byte >> 4) - 8) * v[(g + 4) * 4 + i];
        }
    out[c] = s;
  }
}

#endif
#endif
