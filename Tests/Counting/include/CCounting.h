#pragma once
#include <stdint.h>

// Counts what the calling thread does behind the scenes. The whole program's malloc and pthread_mutex_lock are
// replaced by ones that count and then do what they always did.

struct counting_result {
  uint64_t allocations;
  uint64_t releases;
  uint64_t locks;
};

// What the calling thread has done since it started.
struct counting_result counting_now(void);
