#define _GNU_SOURCE
#include "CThreads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void cthreads_set_name(const char *name) { pthread_setname_np(pthread_self(), name); }

struct timespec cthreads_now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time;
}

// ThreadSanitizer does not know the functions that take a clock: to it, they would not have waited for anything.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WAIT_CLOCK CLOCK_REALTIME
#define sem_clockwait(semaphore, clock, time) sem_timedwait(semaphore, time)
#define pthread_clockjoin_np(thread, result, clock, time) pthread_timedjoin_np(thread, result, time)
#endif
#endif
#ifndef WAIT_CLOCK
#define WAIT_CLOCK CLOCK_MONOTONIC
#endif

static struct timespec in(uint64_t nanoseconds) {
  struct timespec time = cthreads_now(WAIT_CLOCK);
  uint64_t sum = (uint64_t)time.tv_nsec + nanoseconds;
  time.tv_sec += (time_t)(sum / 1000000000u);
  time.tv_nsec = (long)(sum % 1000000000u);
  return time;
}

int cthreads_wait(sem_t *semaphore, uint64_t nanoseconds) {
  struct timespec time = in(nanoseconds);
  int result;
  do {
    result = sem_clockwait(semaphore, WAIT_CLOCK, &time);
  } while (result != 0 && errno == EINTR);
  return result;
}

int cthreads_join(pthread_t thread, uint64_t nanoseconds) {
  struct timespec time = in(nanoseconds);
  return pthread_clockjoin_np(thread, NULL, WAIT_CLOCK, &time);
}

int cthreads_id(void) { return (int)syscall(SYS_gettid); }

// The kernel's directory entry. readdir is not used because it would allocate.
struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short size;
  unsigned char type;
  char name[];
};

int cthreads_list(int *ids, int capacity) {
  int directory = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return 0;
  _Alignas(struct entry) char buffer[2048];
  int count = 0;
  long bytes;
  while ((bytes = syscall(SYS_getdents64, directory, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < bytes;) {
      const struct entry *entry = (const struct entry *)(buffer + at);
      int id = 0;
      for (const char *digit = entry->name; *digit >= '0' && *digit <= '9'; digit++) {
        id = 10 * id + (*digit - '0');
      }
      if (id > 0) {
        if (count < capacity) ids[count] = id;
        count++;
      }
      at += entry->size;
    }
  }
  close(directory);
  return count;
}

int cthreads_set_priority(int id, int priority) {
  struct sched_param parameter = {.sched_priority = priority};
  return sched_setscheduler(id, priority > 0 ? SCHED_FIFO : SCHED_OTHER, &parameter) == 0 ? 0 : errno;
}

static atomic_int demotions;
static atomic_int state; // 0 before the limit is set, 1 meanwhile, 2 afterwards
static int limit_error;
static struct rlimit limit;

static int is_realtime(int id) {
  int policy = sched_getscheduler(id);
  return policy == SCHED_FIFO || policy == SCHED_RR;
}

// The kernel sends SIGXCPU from the timer tick that finds that a thread has run too long. It goes to that thread,
// unless another one checks for signals at the same moment.
static void on_limit(int signal) {
  int error = errno;
  int count = 0;
  if (is_realtime(0)) {
    count = cthreads_set_priority(0, 0) == 0;
  } else {
    int ids[256];
    int all = cthreads_list(ids, 256);
    for (int i = 0; i < all && i < 256; i++) {
      if (is_realtime(ids[i]) && cthreads_set_priority(ids[i], 0) == 0) count++;
    }
    // No thread has real-time priority, so the limit that was hit is the one on the processor time of the process.
    struct rlimit time;
    if (count == 0 && getrlimit(RLIMIT_CPU, &time) == 0 && time.rlim_cur != RLIM_INFINITY) {
      struct sigaction standard = {.sa_handler = SIG_DFL};
      sigaction(signal, &standard, NULL);
      raise(signal);
    }
  }
  atomic_fetch_add_explicit(&demotions, count, memory_order_relaxed);
  // The kernel raises the soft limit by a second each time it is reached.
  setrlimit(RLIMIT_RTTIME, &limit);
  errno = error;
}

int cthreads_limit_realtime(uint64_t microseconds) {
  int expected = 0;
  if (!atomic_compare_exchange_strong(&state, &expected, 1)) {
    while (atomic_load(&state) != 2) sched_yield();
    return limit_error;
  }
  struct sigaction action = {.sa_handler = on_limit, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  if (getrlimit(RLIMIT_RTTIME, &limit) != 0) {
    limit_error = errno;
  } else {
    // At the hard limit, which may have been set from outside, the kernel kills the process.
    rlim_t most = limit.rlim_max == RLIM_INFINITY ? microseconds : limit.rlim_max / 4 * 3;
    limit.rlim_cur = microseconds < most ? microseconds : most;
    if (sigaction(SIGXCPU, &action, NULL) != 0 || setrlimit(RLIMIT_RTTIME, &limit) != 0) limit_error = errno;
  }
  atomic_store(&state, 2);
  return limit_error;
}

int cthreads_demotions(void) { return atomic_load_explicit(&demotions, memory_order_relaxed); }
