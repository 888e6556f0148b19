#define _GNU_SOURCE
#include "CThreads.h"

#include <pthread.h>
#include <time.h>

void cthreads_set_name(const char *name) { pthread_setname_np(pthread_self(), name); }

struct timespec cthreads_now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time;
}

int cthreads_wait(sem_t *semaphore, uint64_t nanoseconds) {
  struct timespec time = cthreads_now(CLOCK_MONOTONIC);
  uint64_t sum = (uint64_t)time.tv_nsec + nanoseconds;
  time.tv_sec += (time_t)(sum / 1000000000u);
  time.tv_nsec = (long)(sum % 1000000000u);
  return sem_clockwait(semaphore, CLOCK_MONOTONIC, &time);
}
