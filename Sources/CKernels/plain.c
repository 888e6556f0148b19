// The baseline of the build's own target: SSE2 on x86-64, NEON on arm64.
#define AP_NAME plain
#define AP_LANES 4
#define AP_TILE 2
#include "template.h"
