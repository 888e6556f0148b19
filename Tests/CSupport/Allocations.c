#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "CTestSupport.h"
#include "Sanitized.h"

// Of each thread, because other tests allocate on theirs meanwhile.
static _Thread_local bool counting;
static _Thread_local int64_t allocations;

bool ap_test_counts_work(void) { return !AP_TEST_SANITIZED; }

void ap_test_counting_begins(void) {
  allocations = 0;
  counting = true;
}

int64_t ap_test_counting_ends(void) {
  counting = false;
  return allocations;
}

// A sanitizer has a malloc of its own, which must not be stood before.
#if !AP_TEST_SANITIZED

// Where the C library keeps the functions that these stand before.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static inline void note(void) {
  if (counting) allocations++;
}

void *malloc(size_t size) {
  note();
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  note();
  return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  note();
  return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
  note();
  void *memory = __libc_memalign(alignment, size);
  if (!memory) return ENOMEM;
  *out = memory;
  return 0;
}

#endif
