#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>

#include "CTestSupport.h"
#include "Sanitized.h"

static _Thread_local int64_t locks;

int64_t ap_test_locks(void) { return locks; }

#if !AP_TEST_SANITIZED

// Stands before the C library's, as the malloc family does.
int pthread_mutex_lock(pthread_mutex_t *mutex) {
  static int (*next)(pthread_mutex_t *);
  if (!next) next = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
  locks++;
  return next(mutex);
}

#endif
