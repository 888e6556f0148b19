// Counts heap allocations of the calling thread. The test executable's own malloc family stands before the C
// library's, so allocations of Swift, Foundation and every shared library pass through it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Whether allocations and mutexes are counted; not where a sanitizer stands before the C library itself.
bool ap_test_counts_work(void);
// Counts from zero until `ap_test_counting_ends`.
void ap_test_counting_begins(void);
// Allocations since the count began.
int64_t ap_test_counting_ends(void);
// How often the calling thread has asked for a mutex since it started.
int64_t ap_test_locks(void);
