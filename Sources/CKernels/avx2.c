#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define AP_NAME avx2
#define AP_LANES 8
#define AP_TILE 6
#include "template.h"
#pragma clang attribute pop
#endif
