#include <stdlib.h>
#include <string.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include "CKernels.h"

extern const ap_table ap_table_plain;
#if defined(__x86_64__)
extern const ap_table ap_table_avx2;
extern const ap_table ap_table_avx512;
#elif defined(__aarch64__)
extern const ap_table ap_table_dotprod;
#endif

const ap_table *ap_table_named(const char *name) {
  if (strcmp(name, "plain") == 0) return &ap_table_plain;
#if defined(__x86_64__)
  if (strcmp(name, "avx2") == 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return &ap_table_avx2;
  if (strcmp(name, "avx512") == 0 && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    return &ap_table_avx512;
#elif defined(__aarch64__)
  enum { ASIMDDP = 1 << 20 };
  if (strcmp(name, "dotprod") == 0 && (getauxval(AT_HWCAP) & ASIMDDP)) return &ap_table_dotprod;
#endif
  return NULL;
}

const ap_table *ap_best_table(void) {
  const char *wanted = getenv("ANTIPHON_ISA");
  const ap_table *table = wanted ? ap_table_named(wanted) : NULL;
  static const char *const names[] = {"avx512", "avx2", "dotprod"};
  for (int i = 0; i < 3 && !table; i++) table = ap_table_named(names[i]);
  return table ? table : &ap_table_plain;
}

intptr_t ap_ring_bytes(ap_cache format, intptr_t heads, intptr_t capacity, intptr_t head_dim) {
  if (format == AP_CACHE_F32) return heads * capacity * head_dim * 4;
  if (format == AP_CACHE_F16) return heads * capacity * head_dim * 2;
  intptr_t groups = (capacity + 15) / 16, block = format == AP_CACHE_Q8 ? 32 * 16 + 32 : 32 * 8 + 32;
  return heads * groups * (head_dim / 32) * block;
}

// Written out, because the compiler's own conversion may call a library that is not linked.
float ap_from_half(uint16_t x) {
  uint32_t sign = (uint32_t)(x & 0x8000) << 16, exponent = (x >> 10) & 31, fraction = x & 1023;
  if (exponent == 0) {
    // Subnormal: fraction * 2^-24, exact in f32.
    float value = (float)fraction * 0x1p-24f;
    return sign ? -value : value;
  }
  union {
    uint32_t u;
    float f;
  } v = {sign | (exponent == 31 ? 255u << 23 : (exponent + 112) << 23) | fraction << 13};
  return v.f;
}

uint16_t ap_to_half(float x) {
  union {
    float f;
    uint32_t u;
  } v = {x};
  uint32_t sign = (v.u >> 16) & 0x8000, magnitude = v.u & 0x7FFFFFFF;
  if (magnitude >= 0x477FF000) return (uint16_t)(sign | (magnitude > 0x7F800000 ? 0x7E00 : 0x7C00));
  if (magnitude < 0x38800000) {
    v.u = magnitude;
    return (uint16_t)(sign | (uint32_t)(int32_t)((v.f * 0x1p24f + 12582912.0f) - 12582912.0f));
  }
  uint32_t rounded = magnitude + 0xFFF + ((magnitude >> 13) & 1);
  return (uint16_t)(sign | ((rounded - (112u << 23)) >> 13));
}
