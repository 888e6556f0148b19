// One source for every instruction set. The including file defines:
//   AP_NAME      the table's name, a C identifier
//   AP_LANES     floats in a native register (4, 8 or 16)
//   AP_TILE      columns of a panel product held in registers at once (a power of two times 1 or 3)
// and compiles it under that instruction set's target attribute. Vector types wider than the native register are split
// by the compiler, so the arithmetic below is the same on every machine, except for fused multiply-add where it exists.

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif
#include <math.h>
#include <string.h>

#include "CKernels.h"

#define AP_CAT2(a, b) a##_##b
#define AP_CAT(a, b) AP_CAT2(a, b)
#define FN(name) AP_CAT(name, AP_NAME)
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(AP_LANES * 4), aligned(4)));
typedef int32_t ivec __attribute__((vector_size(AP_LANES * 4), aligned(4)));
typedef uint32_t uvec __attribute__((vector_size(AP_LANES * 4), aligned(4)));
typedef uint16_t hvec __attribute__((vector_size(AP_LANES * 2), aligned(2)));
typedef uint8_t bytes_vec __attribute__((vector_size(AP_LANES), aligned(1)));
typedef int8_t signed_bytes __attribute__((vector_size(AP_LANES), aligned(1)));
typedef float panel __attribute__((vector_size(64), aligned(4)));

INLINE vec load(const float *p) { return *(const vec *)p; }
INLINE void store(float *p, vec v) { *(vec *)p = v; }
INLINE vec splat(float x) { return x - (vec){}; }
INLINE vec load_bf16(const uint16_t *p) {
  return (vec)(__builtin_convertvector(*(const hvec *)p, uvec) << 16);
}
INLINE vec load_half(const uint16_t *p) {
#if defined(__x86_64__) && AP_LANES == 16
  return (vec)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#elif defined(__x86_64__) && AP_LANES == 8
  return (vec)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#elif defined(__aarch64__)
  return (vec)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
#else
  // Exponent and fraction are moved to their places in an f32; an exact multiplication then corrects the exponent's
  // bias.
  uvec h = __builtin_convertvector(*(const hvec *)p, uvec);
  vec magnitude = (vec)((h & 0x7FFF) << 13) * 0x1p112f;
  return (vec)((uvec)magnitude | (h & 0x8000) << 16);
#endif
}
// The upper half is added to the lower one: log2(lanes) dependent additions instead of one per lane.
INLINE float sum(vec v) {
#if AP_LANES == 16
  v += __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3);
  v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1);
#elif AP_LANES == 8
  v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
  v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 2, 3, 0, 1);
#else
  v += __builtin_shufflevector(v, v, 2, 3, 0, 1);
#endif
  return v[0] + v[1];
}
// Weights that are read once are read faster if they are prefetched a kilobyte ahead (measured: 18.7 -> 21.1 GB/s).
INLINE void prefetch(const void *p) { __builtin_prefetch((const char *)p + 1024); }
// NaN in `a` is preserved. The compiler emits one instruction for each.
INLINE vec vselect(ivec mask, vec a, vec b) { return (vec)((mask & (ivec)a) | (~mask & (ivec)b)); }
INLINE vec vmax(vec a, vec b) { return vselect(b > a, b, a); }
INLINE vec vmin(vec a, vec b) { return vselect(b < a, b, a); }

// e^x to 1.1e-7 relative: 2^n times a degree-6 polynomial on [-ln2/2, ln2/2] (Chebyshev fit).
INLINE vec vexp(vec x) {
  x = vmin(vmax(x, splat(-87.3f)), splat(88.3f));
  vec n = (x * 1.44269504088896341f + 12582912.0f) - 12582912.0f;  // rounds to nearest without SSE4.1
  vec r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  vec p = splat(1.382941845804453e-3f);
  p = p * r + 8.37477296590805e-3f;
  p = p * r + 4.16683591902256e-2f;
  p = p * r + 1.666642129421234e-1f;
  p = p * r + 4.9999991059303284e-1f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  ivec e = (__builtin_convertvector(n, ivec) + 127) << 23;
  return p * (vec)e;
}

// x * Phi(x), exact-erf GELU to 6e-8 absolute: erfc(t/sqrt 2) = exp(-t^2/2) * P(1 / (1 + 0.4 t)) for t >= 0.
INLINE vec vgelu(vec x) {
  vec t = vmin(__builtin_elementwise_abs(x), splat(14.0f));
  vec v = 1.0f / (1.0f + 0.4f * t);
  vec p = splat(-0.07735727727413177f);
  p = p * v + 0.3924451768398285f;
  p = p * v - 0.7298852205276489f;
  p = p * v + 0.4828636646270752f;
  p = p * v - 0.012368621304631233f;
  p = p * v + 0.31194132566452026f;
  p = p * v + 0.3127116858959198f;
  p = p * v + 0.3196658790111542f;
  p = p * v - 1.6643742128508165e-05f;
  vec tail = 0.5f * t * p * vexp(-0.5f * t * t);
  return vmax(x, splat(0)) - tail;
}

INLINE vec vsilu(vec x) { return vmax(x, splat(-88.0f)) / (1.0f + vexp(-x)); }
INLINE vec velu(vec x) { return vmax(x, splat(0)) + (vexp(vmin(x, splat(0))) - 1.0f); }

// Applies a vector function to n floats; the tail is padded to a register, so that every element gets the same
// arithmetic.
#define MAP(x, n, expression)                                 \
  do {                                                        \
    intptr_t i = 0;                                           \
    for (; i + AP_LANES <= (n); i += AP_LANES) {              \
      vec v = load((x) + i);                                  \
      store((x) + i, expression);                             \
    }                                                         \
    if (i < (n)) {                                            \
      float tail[AP_LANES] = {0};                             \
      memcpy(tail, (x) + i, sizeof(float) * (size_t)((n)-i)); \
      vec v = load(tail);                                     \
      store(tail, expression);                                \
      memcpy((x) + i, tail, sizeof(float) * (size_t)((n)-i)); \
    }                                                         \
  } while (0)

static void FN(elu)(float *x, intptr_t n) { MAP(x, n, velu(v)); }
static void FN(gelu)(float *x, intptr_t n) { MAP(x, n, vgelu(v)); }
static void FN(silu)(float *x, intptr_t n) { MAP(x, n, vsilu(v)); }
static void FN(exponential)(float *x, intptr_t n) { MAP(x, n, vexp(v)); }

static void FN(silu_multiply)(const float *gate, const float *up, float *out, intptr_t n) {
  intptr_t i = 0;
  for (; i + AP_LANES <= n; i += AP_LANES) store(out + i, vsilu(load(gate + i)) * load(up + i));
  for (; i < n; i++) out[i] = vsilu(splat(gate[i]))[0] * up[i];
}

static void FN(add)(float *y, const float *x, intptr_t n) {
  for (intptr_t i = 0; i < n; i++) y[i] += x[i];
}

static void FN(add_scaled)(float *y, const float *scale, const float *x, intptr_t n) {
  for (intptr_t i = 0; i < n; i++) y[i] += scale[i] * x[i];
}

// Sums in a fixed order (four registers, then a fold), so the result does not depend on alignment or thread count.
INLINE float reduce_sum(const float *x, intptr_t n, float shift, bool square) {
  vec a[4] = {};
  intptr_t i = 0;
  for (; i + 4 * AP_LANES <= n; i += 4 * AP_LANES) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
      vec v = load(x + i + j * AP_LANES) - shift;
      a[j] += square ? v * v : v;
    }
  }
  float s = sum((a[0] + a[1]) + (a[2] + a[3]));
  for (; i < n; i++) s += square ? (x[i] - shift) * (x[i] - shift) : x[i] - shift;
  return s;
}

static void FN(softmax)(float *x, intptr_t n) {
  float top = x[0];
  intptr_t k = 0;
  vec high = splat(x[0]);
  for (; k + AP_LANES <= n; k += AP_LANES) high = vmax(high, load(x + k));
  for (int i = 0; i < AP_LANES; i++) top = high[i] > top ? high[i] : top;
  for (; k < n; k++) top = x[k] > top ? x[k] : top;
  MAP(x, n, vexp(v - top));
  float scale = 1.0f / reduce_sum(x, n, 0, false);
  for (intptr_t i = 0; i < n; i++) x[i] *= scale;
}

static void FN(layer_norm)(const float *x, const float *weight, const float *bias, float epsilon, float *out,
                           intptr_t n) {
  float mean = reduce_sum(x, n, 0, false) / (float)n;
  float scale = 1.0f / sqrtf(reduce_sum(x, n, mean, true) / (float)n + epsilon);
  for (intptr_t i = 0; i < n; i++) out[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}

static void FN(rms_norm)(const float *x, const float *weight, float epsilon, float *out, intptr_t n) {
  float scale = 1.0f / sqrtf(reduce_sum(x, n, 0, true) / (float)n + epsilon);
  for (intptr_t i = 0; i < n; i++) out[i] = x[i] * weight[i] * scale;
}

static void FN(depthwise)(const float *x, const float *weight, const float *bias, float *out, intptr_t steps,
                          intptr_t channels, intptr_t kernel) {
  for (intptr_t t = 0; t < steps; t++) {
    const float *in = x + t * channels;
    float *o = out + t * channels;
    for (intptr_t c = 0; c < channels; c++) {
      float s = bias ? bias[c] : 0;
      for (intptr_t j = 0; j < kernel; j++) s += weight[j * channels + c] * in[j * channels + c];
      o[c] = s;
    }
  }
}

// ---- products -------------------------------------------------------------------------------------------------------

// One row times one or two columns of row-major weights. Memory is the limit, so it is read strictly forwards. Four
// sums are independent, so that additions do not wait for each other. Every output is summed in the same order whatever
// the number of columns: a block of k columns gives the same bits as k single steps.
#define ROWS_TILE(name, type, fetch, scalar)                                                                     \
  INLINE void name(const ap_product *job, const type *w, intptr_t row, intptr_t column, int columns) {           \
    intptr_t depth = job->depth, stride = job->x_stride;                                                         \
    const float *x = job->x + column * stride;                                                                   \
    vec a[2][4] = {};                                                                                            \
    intptr_t k = 0;                                                                                              \
    for (; k + 4 * AP_LANES <= depth; k += 4 * AP_LANES) {                                                       \
      prefetch(w + k);                                                                                           \
      if (sizeof(type) * 4 * AP_LANES > 64) prefetch(w + k + 2 * AP_LANES);                                      \
      _Pragma("unroll") for (int u = 0; u < 4; u++) {                                                            \
        vec v = fetch(w + k + u * AP_LANES);                                                                     \
        _Pragma("unroll") for (int c = 0; c < columns; c++)                                                      \
            a[c][u] += v * load(x + c * stride + k + u * AP_LANES);                                              \
      }                                                                                                          \
    }                                                                                                            \
    _Pragma("unroll") for (int c = 0; c < columns; c++) {                                                        \
      float s = sum((a[c][0] + a[c][1]) + (a[c][2] + a[c][3]));                                                  \
      for (intptr_t t = k; t < depth; t++) s += scalar(w[t]) * x[c * stride + t];                                \
      if (job->bias) s += job->bias[row];                                                                        \
      float *y = job->y + (column + c) * job->y_stride + row;                                                    \
      *y = job->accumulate ? *y + s : s;                                                                         \
    }                                                                                                            \
  }                                                                                                              \
  static void AP_CAT(name##_all, AP_NAME)(const ap_product *job, intptr_t first, intptr_t last) {                \
    for (intptr_t row = first; row < last; row++) {                                                              \
      const type *w = (const type *)job->weights + row * job->depth;                                             \
      intptr_t c = 0;                                                                                            \
      for (; c + 2 <= job->columns; c += 2) name(job, w, row, c, 2);                                             \
      if (c < job->columns) name(job, w, row, c, 1);                                                             \
    }                                                                                                            \
  }

#define AS_IS(x) (x)
ROWS_TILE(rows_f32, float, load, AS_IS)
ROWS_TILE(rows_bf16, uint16_t, load_bf16, ap_from_bf16)

// Sixteen rows times `columns` columns; weights [depth][16]. Each output is one chain of multiply-adds over k.
INLINE void panel_tile(const ap_product *job, const float *w, intptr_t row, intptr_t column, int columns) {
  const float *x = job->x + column * job->x_stride;
  intptr_t stride = job->x_stride;
  panel a[AP_TILE] = {};
  for (intptr_t k = 0; k < job->depth; k++) {
    panel wv = *(const panel *)(w + k * 16);
    if (columns <= 4) prefetch(w + k * 16);
#pragma unroll
    for (int c = 0; c < columns; c++) a[c] += wv * x[c * stride + k];
  }
  intptr_t rows = job->rows - row < 16 ? job->rows - row : 16;
#pragma unroll
  for (int c = 0; c < columns; c++) {
    float *y = job->y + (column + c) * job->y_stride + row;
    if (rows == 16) {
      panel s = a[c];
      if (job->bias) s += *(const panel *)(job->bias + row);
      if (job->accumulate) s += *(const panel *)y;
      *(panel *)y = s;
    } else {
      float lanes[16];
      *(panel *)lanes = a[c];
      for (intptr_t r = 0; r < rows; r++) {
        float s = lanes[r] + (job->bias ? job->bias[row + r] : 0);
        y[r] = job->accumulate ? y[r] + s : s;
      }
    }
  }
}

static void FN(panels)(const ap_product *job, intptr_t first, intptr_t last) {
  for (intptr_t p = first; p < last; p++) {
    const float *w = (const float *)job->weights + p * 16 * job->depth;
    intptr_t c = 0;
    for (; c + AP_TILE <= job->columns; c += AP_TILE) panel_tile(job, w, p * 16, c, AP_TILE);
#if AP_TILE > 8
    if (job->columns - c >= 8) panel_tile(job, w, p * 16, c, 8), c += 8;
#endif
    if (job->columns - c >= 4) panel_tile(job, w, p * 16, c, 4), c += 4;
    if (job->columns - c >= 2) panel_tile(job, w, p * 16, c, 2), c += 2;
    if (job->columns - c >= 1) panel_tile(job, w, p * 16, c, 1);
  }
}

#include "quantized.h"

// The same with weights in half precision. Even and odd inputs are two chains of multiply-adds, so that a single
// column does not wait for its own sums.
#if AP_LANES == 16
#define AP_HALF_TILE 12
#elif AP_LANES == 8
#define AP_HALF_TILE 3
#else
#define AP_HALF_TILE 2
#endif

INLINE void half_tile(const ap_product *job, const uint16_t *w, intptr_t row, intptr_t column, int columns) {
  const float *x = job->x + column * job->x_stride;
  intptr_t stride = job->x_stride, depth = job->depth;
  panel even[AP_HALF_TILE] = {}, odd[AP_HALF_TILE] = {}, v;
  intptr_t k = 0;
  for (; k + 2 <= depth; k += 2) {
    if (columns <= 4) __builtin_prefetch((const char *)(w + k * 16) + AP_AHEAD);
    FN(read_scales)(w + k * 16, &v);
#pragma unroll
    for (int c = 0; c < columns; c++) even[c] += v * x[c * stride + k];
    FN(read_scales)(w + k * 16 + 16, &v);
#pragma unroll
    for (int c = 0; c < columns; c++) odd[c] += v * x[c * stride + k + 1];
  }
  if (k < depth) {
    FN(read_scales)(w + k * 16, &v);
#pragma unroll
    for (int c = 0; c < columns; c++) even[c] += v * x[c * stride + k];
  }
#pragma unroll
  for (int c = 0; c < columns; c++) {
    even[c] += odd[c];
    FN(write_panel)(job, row, column + c, &even[c]);
  }
}

static void FN(halves)(const ap_product *job, intptr_t first, intptr_t last) {
  for (intptr_t p = first; p < last; p++) {
    const uint16_t *w = (const uint16_t *)job->weights + p * 16 * job->depth;
    intptr_t c = 0;
    for (; c + AP_HALF_TILE <= job->columns; c += AP_HALF_TILE) half_tile(job, w, p * 16, c, AP_HALF_TILE);
#if AP_HALF_TILE > 8
    if (job->columns - c >= 8) half_tile(job, w, p * 16, c, 8), c += 8;
    if (job->columns - c >= 4) half_tile(job, w, p * 16, c, 4), c += 4;
#endif
    if (job->columns - c >= 2) half_tile(job, w, p * 16, c, 2), c += 2;
    if (job->columns - c >= 1) half_tile(job, w, p * 16, c, 1);
  }
}

static void FN(product)(const ap_product *job, intptr_t part, intptr_t parts) {
  if (job->format == AP_PANELS_Q8 || job->format == AP_PANELS_Q4) {
    intptr_t panels = (job->rows + 15) / 16;
    FN(quantized)(job, panels * part / parts, panels * (part + 1) / parts);
    return;
  }
  if (job->format == AP_PANELS_F32) {
    intptr_t panels = (job->rows + 15) / 16;
    FN(panels)(job, panels * part / parts, panels * (part + 1) / parts);
    return;
  }
  if (job->format == AP_PANELS_F16) {
    intptr_t panels = (job->rows + 15) / 16;
    FN(halves)(job, panels * part / parts, panels * (part + 1) / parts);
    return;
  }
  intptr_t first = job->rows * part / parts, last = job->rows * (part + 1) / parts;
  if (job->format == AP_ROWS_F32) AP_CAT(rows_f32_all, AP_NAME)(job, first, last);
  if (job->format == AP_ROWS_BF16) AP_CAT(rows_bf16_all, AP_NAME)(job, first, last);
}

#include "attention.h"

// Reads memory and does next to nothing with it: its speed is the limit for every product. With nothing else to wait
// for, it prefetches further ahead.
static uint32_t FN(read)(const void *memory, intptr_t bytes) {
  const uint32_t *p = memory;
  uvec a[8] = {};
  for (intptr_t i = 0; i + 8 * AP_LANES <= bytes / 4; i += 8 * AP_LANES) {
#pragma unroll
    for (int u = 0; u < 8; u++) {
      if (u * AP_LANES % 16 == 0) __builtin_prefetch((const char *)(p + i + u * AP_LANES) + 2 * AP_AHEAD);
      a[u] ^= *(const uvec *)(p + i + u * AP_LANES);
    }
  }
  uvec all = (a[0] ^ a[1] ^ a[2] ^ a[3]) ^ (a[4] ^ a[5] ^ a[6] ^ a[7]);
  uint32_t folded = 0;
  for (int i = 0; i < AP_LANES; i++) folded ^= all[i];
  return folded;
}

#define AP_STRING2(x) #x
#define AP_STRING(x) AP_STRING2(x)
const ap_table AP_CAT(ap_table, AP_NAME) = {
    AP_STRING(AP_NAME), FN(product),    FN(round),   FN(attention), FN(remember),   FN(elu),        FN(gelu),
    FN(silu_multiply),  FN(silu),       FN(exponential), FN(softmax), FN(add),      FN(add_scaled), FN(layer_norm),
    FN(rms_norm),       FN(depthwise),  FN(read),
};
