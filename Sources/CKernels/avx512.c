#if defined(__x86_64__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#define AP_NAME avx512
#define AP_LANES 16
#define AP_TILE 12
#include "template.h"
#pragma clang attribute pop
#endif
