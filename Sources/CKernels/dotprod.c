#if defined(__aarch64__)
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#define AP_NAME dotprod
#define AP_LANES 4
#define AP_TILE 6
#define AP_DOTPROD 1
#include "template.h"
#pragma clang attribute pop
#endif
