#include <stdlib.h>
#include <string.h>

#include "CKernels.h"

extern const ap_table ap_table_plain;
#if defined(__x86_64__)
extern const ap_table ap_table_avx2;
extern const ap_table ap_table_avx512;
#endif

const ap_table *ap_table_named(const char *name) {
  if (strcmp(name, "plain") == 0) return &ap_table_plain;
#if defined(__x86_64__)
  if (strcmp(name, "avx2") == 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return &ap_table_avx2;
  if (strcmp(name, "avx512") == 0 && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    return &ap_table_avx512;
#endif
  return NULL;
}

const ap_table *ap_best_table(void) {
  const char *wanted = getenv("ANTIPHON_ISA");
  const ap_table *table = wanted ? ap_table_named(wanted) : NULL;
  if (!table) table = ap_table_named("avx512");
  if (!table) table = ap_table_named("avx2");
  return table ? table : &ap_table_plain;
}
